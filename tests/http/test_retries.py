"""Requests that arrive twice: a client that got no answer sends the same again."""

from typing import Any

import pytest

from endpoints import ENDPOINTS, Endpoint, PopulatedHost

POSTS = [endpoint for endpoint in ENDPOINTS if endpoint.method == "POST"]
PUTS = [endpoint for endpoint in ENDPOINTS if endpoint.method == "PUT"]
# Counts up with each change of a project's code mappings, so that other processes read them anew.
VERSION = 5


def told(populated: PopulatedHost) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that is stored, but for the version of projects' code mappings."""
    rows = populated.rows()
    return rows | {"projects": [(*row[:VERSION], *row[VERSION + 1 :]) for row in rows["projects"]]}


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.id)
def test_every_endpoint_example_succeeds(populated: PopulatedHost, endpoint: Endpoint) -> None:
    """What the table of endpoints sends is what a client may send: each request is answered with success."""
    assert populated.send(endpoint).is_success


@pytest.mark.parametrize("endpoint", POSTS, ids=lambda endpoint: endpoint.id)
def test_a_retried_post_is_harmless(populated: PopulatedHost, endpoint: Endpoint) -> None:
    """A POST that arrives twice leaves what it left the first time; where it may not, the table says why."""
    first = populated.send(endpoint)
    before = told(populated)
    second = populated.send(endpoint)
    assert first.is_success
    if endpoint.once:
        assert (second.status_code, told(populated) != before) == (first.status_code, True)
    else:
        assert (second.status_code, told(populated)) == (endpoint.again, before)


@pytest.mark.parametrize("endpoint", PUTS, ids=lambda endpoint: endpoint.id)
def test_a_retried_put_gives_the_same_answer(populated: PopulatedHost, endpoint: Endpoint) -> None:
    """A PUT says how things should be; said twice, they are so, and the answer is the same."""
    first = populated.send(endpoint)
    before = told(populated)
    second = populated.send(endpoint)
    assert (second.status_code, second.json(), told(populated)) == (200, first.json(), before)


@pytest.mark.parametrize("endpoint", [item for item in ENDPOINTS if item.of_organization], ids=lambda item: item.id)
def test_ids_are_accepted_as_slugs(populated: PopulatedHost, endpoint: Endpoint) -> None:
    """Organizations and projects are named by slug or by id, with one answer."""
    by_id = {"organization": populated.values["organization_id"], "project": populated.values["project_id"]}
    if endpoint.method != "GET":
        assert populated.send(endpoint, values=by_id).is_success
        return
    named, numbered = populated.send(endpoint), populated.send(endpoint, values=by_id)
    assert (named.status_code, named.content) == (numbered.status_code, numbered.content)
