"""Requests that arrive twice: a client that got no answer sends the same again."""

from typing import Any

import pytest

from endpoints import ENDPOINTS, Endpoint, Furnished

POSTS = [endpoint for endpoint in ENDPOINTS if endpoint.method == "POST"]
PUTS = [endpoint for endpoint in ENDPOINTS if endpoint.method == "PUT"]
# Counts up with each change of a project's code mappings, so that other processes read them anew.
VERSION = 5


def told(there: Furnished) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that is stored, but for the version of projects' code mappings."""
    rows = there.rows()
    return rows | {"projects": [(*row[:VERSION], *row[VERSION + 1 :]) for row in rows["projects"]]}


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.id)
def test_the_tables_requests_are_right(there: Furnished, endpoint: Endpoint) -> None:
    """What the table of endpoints sends is what a client may send: each request is answered with success."""
    assert there.send(endpoint).is_success


@pytest.mark.parametrize("endpoint", POSTS, ids=lambda endpoint: endpoint.id)
def test_a_retried_post_is_harmless(there: Furnished, endpoint: Endpoint) -> None:
    """A POST that arrives twice leaves what it left the first time; where it may not, the table says why."""
    first = there.send(endpoint)
    before = told(there)
    second = there.send(endpoint)
    assert first.is_success
    if endpoint.once:
        assert (second.status_code, told(there) != before) == (first.status_code, True)
    else:
        assert (second.status_code, told(there)) == (endpoint.again, before)


@pytest.mark.parametrize("endpoint", PUTS, ids=lambda endpoint: endpoint.id)
def test_a_retried_put_gives_the_same_answer(there: Furnished, endpoint: Endpoint) -> None:
    """A PUT says how things should be; said twice, they are so, and the answer is the same."""
    first = there.send(endpoint)
    before = told(there)
    second = there.send(endpoint)
    assert (second.status_code, second.json(), told(there)) == (200, first.json(), before)


@pytest.mark.parametrize("endpoint", [item for item in ENDPOINTS if item.of_organization], ids=lambda item: item.id)
def test_ids_stand_for_slugs(there: Furnished, endpoint: Endpoint) -> None:
    """Organizations and projects are named by slug or by id, with one answer."""
    by_id = {"organization": there.places["organization_id"], "project": there.places["project_id"]}
    if endpoint.method != "GET":
        assert there.send(endpoint, places=by_id).is_success
        return
    named, numbered = there.send(endpoint), there.send(endpoint, places=by_id)
    assert (named.status_code, named.content) == (numbered.status_code, numbered.content)
