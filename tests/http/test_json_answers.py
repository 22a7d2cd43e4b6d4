"""The types in all answers, and the accepted types and encodings of bodies."""

import gzip
import re
import zlib
from collections.abc import Iterator
from typing import Any

import pytest

from endpoints import ENDPOINTS, Endpoint, PopulatedHost, open_populated

GETS = [endpoint for endpoint in ENDPOINTS if endpoint.method == "GET"]
WITH_JSON = [
    endpoint for endpoint in ENDPOINTS if endpoint.body is not None and not endpoint.template.startswith("/hooks")
]
each_with_json = pytest.mark.parametrize("endpoint", WITH_JSON, ids=lambda endpoint: endpoint.id)
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
LIKE_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d")
# Answers that are a release or a list of them: their ids, and those of their projects, are numbers as in Sentry's API.
RELEASES = ("/releases/", "/releases/{version}/", "/previous-with-commits/")


def walk(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every value of an answer with its keys; positions in lists are left out."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from walk(inner, f"{path}.{name}")
    elif isinstance(value, list):
        for inner in value:
            yield from walk(inner, path)
    else:
        yield path, value


def number_ids(endpoint: Endpoint) -> set[str]:
    """Return the places of an endpoint's answer that have numeric ids."""
    return {".organizationId", ".orgId"} | ({".id", ".projects.id"} if endpoint.template.endswith(RELEASES) else set())


@pytest.mark.parametrize("endpoint", GETS, ids=lambda endpoint: endpoint.id)
def test_ids_are_text_and_times_are_in_utc(populated: PopulatedHost, endpoint: Endpoint) -> None:
    """Ids are text, except for the few that Sentry sends as numbers, and times end in Z."""
    answer = populated.send(endpoint)
    for path, value in walk(answer.json()):
        name = path.rpartition(".")[2]
        if name == "id" or name.endswith("Id"):
            assert isinstance(value, int if path in number_ids(endpoint) else str | None), (path, value)
        if name.startswith("date") or (isinstance(value, str) and LIKE_TIME.match(value)):
            assert value is None or TIME.fullmatch(value), (path, value)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.id)
def test_answers_have_json_content_type(populated: PopulatedHost, endpoint: Endpoint) -> None:
    """sentry-cli parses only ``application/json``. An answer without a body has no type."""
    answers = [
        populated.send(endpoint),
        populated.send(endpoint),
        populated.send(endpoint, headers={"Authorization": None}),
    ]
    for answer in answers:
        if answer.status_code == 204:
            assert (answer.content, "content-type" in answer.headers) == (b"", False)
        else:
            answer.json()
            assert answer.headers["content-type"] == "application/json"


JSON = ["application/json", "application/json;charset=utf-8", "application/json; charset=UTF-8", "Application/JSON"]
NO_JSON = [None, "", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "x" * 5_000]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PopulatedHost]:
    """An API for tests that change nothing."""
    with open_populated(tmp_path_factory.mktemp("answers")) as opened:
        yield opened


@pytest.mark.parametrize("kind", JSON)
def test_all_json_content_types_are_accepted(populated: PopulatedHost, kind: str) -> None:
    """Each spelling of the type that clients use is accepted."""
    for endpoint in WITH_JSON:
        answer = populated.send(endpoint, headers={"Content-Type": kind})
        assert answer.status_code < 500
        assert "Content-Type" not in answer.text


@each_with_json
def test_a_body_that_is_not_called_json_is_refused(shared: PopulatedHost, endpoint: Endpoint) -> None:
    """Another type, such as that of ``curl -d``, is 400 with the header to send, and nothing is changed."""
    before = shared.rows()
    for kind in NO_JSON:
        answer = shared.send(endpoint, headers={"Content-Type": kind})
        assert answer.status_code == 400
        assert "Content-Type: application/json" in answer.json()["detail"]
    assert shared.rows() == before


@each_with_json
def test_a_compressed_body_is_refused(shared: PopulatedHost, endpoint: Endpoint) -> None:
    """Compressed bodies are rejected, because a small one can unpack to a very large one."""
    before, plain = shared.rows(), shared.body(endpoint)
    for encoding, pack in (("gzip", gzip.compress), ("deflate", zlib.compress), ("zstd", gzip.compress)):
        answer = shared.send(endpoint, content=pack(plain), headers={"Content-Encoding": encoding})
        assert (answer.status_code, list(answer.json())) == (400, ["detail"])
    assert shared.rows() == before


STRANGE = {
    "deep lists": b"[" * 100_000,
    "deep objects": b'{"a":' * 100_000,
    "a long number": b'{"a": ' + b"9" * 5_000 + b"}",
    "not a number": b'{"a": NaN}',
    "half a character": b'{"a": "\\ud800"}',
    "a NUL": b'{"a": "\\u0000"}',
    "one name twice": b'{"a": 1, "a": 2}',
    "another encoding": '{"a": 1}'.encode("utf-16"),
    "a mark in front": b"\xef\xbb\xbf{}",
    "two values": b"{}{}",
}


@each_with_json
def test_unusual_json_is_never_a_server_error(populated: PopulatedHost, endpoint: Endpoint) -> None:
    """Deep or unusual JSON and other encodings are read or rejected, without a server error."""
    for name, content in STRANGE.items():
        answer = populated.send(endpoint, content=content)
        assert answer.status_code in (200, 400), (name, answer.text)
        assert answer.headers["content-type"] == "application/json"
