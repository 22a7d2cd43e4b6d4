"""Hostile ids in paths, queries and bodies."""

import json
import re
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from typing import Any

import pytest

from endpoints import ENDPOINTS, Endpoint, PopulatedHost, fill_in
from loading import case_id, load_cases
from socket_client import Answer, SocketClient, answer_of, open_socket_client

ENDPOINT = {endpoint.id: endpoint for endpoint in ENDPOINTS}
GETS = [endpoint for endpoint in ENDPOINTS if endpoint.method == "GET"]
PLACE = re.compile(r"\{(\w+)\}")


@pytest.fixture(scope="module")
def socket_client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SocketClient]:
    """One service for all of these tests."""
    with open_socket_client(tmp_path_factory.mktemp("places")) as opened:
        yield opened


@pytest.mark.parametrize("case", load_cases("segments"), ids=case_id)
def test_a_hostile_segment_names_nothing(socket_client: SocketClient, case: dict[str, Any]) -> None:
    """A hostile segment at any place of any path is 404 or 400, and changes nothing."""
    before, segment = socket_client.populated.rows(), case["segment"] * case.get("times", 1)
    with closing(HTTPConnection("127.0.0.1", socket_client.port)) as connection:
        for endpoint in ENDPOINTS:
            for place in PLACE.findall(endpoint.template):
                answer = ask(socket_client, connection, endpoint, {place: segment})
                assert answer.status in (400, 404), (endpoint.id, place, answer)
                assert answer.headers["content-type"] == "application/json"
                socket_client.next_log_line()
    assert socket_client.populated.rows() == before
    assert socket_client.is_healthy()


def ask(socket_client: SocketClient, connection: HTTPConnection, endpoint: Endpoint, places: dict[str, str]) -> Answer:
    """Send an endpoint's request with these segments in its path, unchanged."""
    content = socket_client.populated.body(endpoint) if endpoint.body is not None else b""
    headers = {
        **socket_client.populated.api.headers,
        "Content-Type": "application/json",
        **socket_client.populated.signature(content),
    }
    connection.request(endpoint.method, socket_client.populated.url(endpoint, **places), content, headers)
    return answer_of(connection.getresponse())


@pytest.fixture(scope="module")
def shared(socket_client: SocketClient) -> PopulatedHost:
    """The API behind the service, which no test here changes."""
    return socket_client.populated


BEYOND = [2**53, 2**63 - 1, 2**63, 2**64, 10**30, -1, -(2**63), 0]
OTHER = [True, 1.5, 1e300, [], {}, "x", "9" * 5_000, "1\x00", "²"]
CHANGE_REPOSITORY = "PUT /api/0/organizations/{organization}/repos/{repository_id}/"
ID_FIELDS = [
    ("POST /api/0/organizations/{organization}/repos/", "installation"),
    ("POST /api/0/organizations/{organization}/repos/", "identifier"),
    (CHANGE_REPOSITORY, "integrationId"),
    ("POST /api/0/organizations/{organization}/code-mappings/", "repositoryId"),
    ("POST /api/0/organizations/{organization}/code-mappings/", "projectId"),
    ("POST /api/0/organizations/{organization}/code-mappings/", "integrationId"),
    ("PUT /api/0/organizations/{organization}/code-mappings/{mapping_id}/", "repositoryId"),
    ("PUT /api/0/organizations/{organization}/code-mappings/{mapping_id}/", "projectId"),
    ("POST /api/0/organizations/{organization}/code-mappings/bulk/", "project"),
    ("POST /api/0/organizations/{organization}/releases/", "projects"),
    ("POST /api/0/projects/{organization}/{project}/releases/", "projects"),
    ("POST /api/0/organizations/{organization}/releases/{version}/deploys/", "projects"),
]


@pytest.mark.parametrize(("endpoint_id", "field"), ID_FIELDS, ids=lambda text: text)
def test_a_hostile_id_in_a_body_names_nothing(shared: PopulatedHost, endpoint_id: str, field: str) -> None:
    """An id that is too large or malformed is 404, or 400 under the name of its field."""
    endpoint, before = ENDPOINT[endpoint_id], shared.rows()
    # An empty or missing installation means none.
    none = [] if endpoint_id == CHANGE_REPOSITORY else ["", None]
    for value in [*BEYOND, *OTHER, *none]:
        body = fill_in(endpoint.body, shared.values) | {field: [value] if field == "projects" else value}
        answer = shared.send(endpoint, content=json.dumps(body).encode())
        assert answer.status_code in (400, 404), (value, answer.text)
    assert shared.rows() == before


ID_PARAMETERS = [
    ("GET /api/0/organizations/{organization}/repos/", "integration_id"),
    ("GET /api/0/organizations/{organization}/code-mappings/", "integrationId"),
    ("GET /api/0/organizations/{organization}/code-mappings/", "project"),
    ("GET /api/0/organizations/{organization}/releases/", "project"),
    ("GET /api/0/organizations/{organization}/releases/{version}/commits/", "repo_id"),
    ("GET /api/0/projects/{organization}/{project}/releases/{version}/commits/", "repo_id"),
]


@pytest.mark.parametrize(("endpoint_id", "field"), ID_PARAMETERS, ids=lambda text: text)
def test_a_hostile_id_in_a_query_finds_nothing(shared: PopulatedHost, endpoint_id: str, field: str) -> None:
    """An id without an object gives an empty list or 400, and no server error."""
    everything = {"project": "-1"}.get(field)
    for value in {*map(str, BEYOND), "x", "1.5", "9" * 5_000, "1\x00", "²"} - {everything}:
        answer = shared.send(ENDPOINT[endpoint_id], params={field: value})
        assert answer.status_code in (400, 404) or answer.json() == [], (value, answer.text)


@pytest.mark.parametrize("endpoint", GETS, ids=lambda endpoint: endpoint.id)
def test_unknown_query_parameters_are_ignored(shared: PopulatedHost, endpoint: Endpoint) -> None:
    """The answer is the same with parameters that only newer versions may have."""
    more = {"expand": "everything", "sort": "date", "a[]": "1", "%00": "\x00", "é": "²"}
    plain, with_more = shared.send(endpoint), shared.send(endpoint, params={**(endpoint.query or {}), **more})
    assert (with_more.status_code, with_more.content) == (plain.status_code, plain.content)
