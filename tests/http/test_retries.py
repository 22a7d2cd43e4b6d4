"""Repeated requests: a client that received no answer sends the same request again."""

from typing import Any

import pytest

from endpoints import ENDPOINTS, Endpoint, PopulatedHost

POSTS = [endpoint for endpoint in ENDPOINTS if endpoint.method == "POST"]
PUTS = [endpoint for endpoint in ENDPOINTS if endpoint.method == "PUT"]
# Increases with each change of a project's code mappings, so that other processes read them again.
VERSION = 5


def stored_rows(populated: PopulatedHost) -> dict[str, list[tuple[Any, ...]]]:
    """Return all stored rows, without the version of projects' code mappings."""
    rows = populated.rows()
    return rows | {"projects": [(*row[:VERSION], *row[VERSION + 1 :]) for row in rows["projects"]]}


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.id)
def test_every_endpoint_example_succeeds(populated: PopulatedHost, endpoint: Endpoint) -> None:
    """The example of each endpoint is a valid request."""
    assert populated.send(endpoint).is_success


@pytest.mark.parametrize("endpoint", POSTS, ids=lambda endpoint: endpoint.id)
def test_a_retried_post_is_harmless(populated: PopulatedHost, endpoint: Endpoint) -> None:
    """A repeated POST changes nothing; the table has the reason of each exception."""
    first = populated.send(endpoint)
    before = stored_rows(populated)
    second = populated.send(endpoint)
    assert first.is_success
    if endpoint.once:
        assert (second.status_code, stored_rows(populated) != before) == (first.status_code, True)
    else:
        assert (second.status_code, stored_rows(populated)) == (endpoint.again, before)


@pytest.mark.parametrize("endpoint", PUTS, ids=lambda endpoint: endpoint.id)
def test_a_retried_put_gives_the_same_answer(populated: PopulatedHost, endpoint: Endpoint) -> None:
    """A repeated PUT changes nothing and has the same answer."""
    first = populated.send(endpoint)
    before = stored_rows(populated)
    second = populated.send(endpoint)
    assert (second.status_code, second.json(), stored_rows(populated)) == (200, first.json(), before)


@pytest.mark.parametrize("endpoint", [item for item in ENDPOINTS if item.of_organization], ids=lambda item: item.id)
def test_ids_are_accepted_as_slugs(populated: PopulatedHost, endpoint: Endpoint) -> None:
    """The answer is the same with the slug or the id of an organization or project."""
    by_id = {"organization": populated.values["organization_id"], "project": populated.values["project_id"]}
    if endpoint.method != "GET":
        assert populated.send(endpoint, values=by_id).is_success
        return
    named, numbered = populated.send(endpoint), populated.send(endpoint, values=by_id)
    assert (named.status_code, named.content) == (numbered.status_code, numbered.content)
