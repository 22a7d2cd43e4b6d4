"""The comparison of requests with a Swagger document."""

import json
from pathlib import Path
from typing import Any

import pytest

from fake_hosts.base import Call
from fake_hosts.swagger import Swagger


def parameter(place: str, name: str, kind: str = "string", **more: Any) -> dict[str, Any]:
    return {"in": place, "name": name, "type": kind, **more}


HOOK = {
    "type": "object",
    "required": ["type"],
    "properties": {
        "type": {"type": "string", "enum": ["gitea"]},
        "active": {"type": "boolean"},
        "events": {"type": "array", "items": {"type": "string"}},
        "config": {"$ref": "#/definitions/Config"},
        "priority": {"type": "integer"},
    },
}
DOCUMENT = {
    "basePath": "/api/v1",
    "definitions": {"Hook": HOOK, "Config": {"type": "object", "additionalProperties": {"type": "string"}}},
    "paths": {
        "/repos/search": {"get": {"parameters": [parameter("query", "q"), parameter("query", "page", "integer")]}},
        "/repos/{owner}/{repo}": {"get": {"parameters": [parameter("path", "owner"), parameter("path", "repo")]}},
        "/repos/{owner}/{repo}/raw/{filepath}": {
            "get": {"parameters": [parameter("path", "filepath"), parameter("query", "all", "boolean")]}
        },
        "/repos/{owner}/{repo}/hooks": {
            "post": {"parameters": [{"in": "body", "name": "body", "schema": {"$ref": "#/definitions/Hook"}}]}
        },
        "/repos/{owner}/{repo}/hooks/{id}": {"delete": {"parameters": [parameter("path", "id", "integer")]}},
    },
}


@pytest.fixture
def swagger(tmp_path: Path) -> Swagger:
    (tmp_path / "api.json").write_text(json.dumps(DOCUMENT), encoding="utf-8")
    return Swagger(tmp_path / "api.json")


def call(method: str, path: str, body: Any = None, **query: str) -> Call:
    return Call(method, path, query, {}, b"" if body is None else json.dumps(body).encode())


@pytest.mark.parametrize(
    "valid",
    [
        call("GET", "/api/v1/repos/search", q="x", page="2"),
        call("GET", "/api/v1/repos/team/app"),
        call("GET", "/api/v1/repos/team/app/raw/a/b%20c.py", all="true"),
        call("DELETE", "/api/v1/repos/team/app/hooks/7"),
        call("POST", "/api/v1/repos/team/app/hooks", {"type": "gitea", "events": ["push"], "config": {"url": "x"}}),
        call("POST", "/login/oauth/access_token"),
    ],
    ids=lambda valid: valid.path,
)
def test_valid_requests_have_no_problem(swagger: Swagger, valid: Call) -> None:
    """Requests outside of the API's path are not compared."""
    assert swagger.problems([valid]) == []


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (call("PUT", "/api/v1/repos/team/app"), "there is no such call"),
        (call("GET", "/api/v1/repos/team"), "there is no such call"),
        (call("DELETE", "/api/v1/repos/team/app/hooks/x"), "there is no such call"),
        (call("GET", "/api/v1/repos/search", sort="x"), "the query has an unknown 'sort'"),
        (call("GET", "/api/v1/repos/search", page="x"), "the query's 'page' has the wrong type"),
        (call("GET", "/api/v1/repos/team/app/raw/a", all="True"), "the query's 'all' has the wrong type"),
        (call("GET", "/api/v1/repos/team/app", {"a": 1}), "a body is not expected"),
        (call("POST", "/api/v1/repos/t/a/hooks", []), "body is no object"),
        (call("POST", "/api/v1/repos/t/a/hooks", {}), "body lacks 'type'"),
        (call("POST", "/api/v1/repos/t/a/hooks", {"type": "x"}), "body.type is none of ['gitea']"),
        (call("POST", "/api/v1/repos/t/a/hooks", {"type": "gitea", "x": 1}), "body has an unknown 'x'"),
        (call("POST", "/api/v1/repos/t/a/hooks", {"type": "gitea", "active": "yes"}), "body.active is no boolean"),
        (call("POST", "/api/v1/repos/t/a/hooks", {"type": "gitea", "events": [1]}), "body.events.0 is no string"),
        (call("POST", "/api/v1/repos/t/a/hooks", {"type": "gitea", "config": {"a": 1}}), "body.config.a is no string"),
        (call("POST", "/api/v1/repos/t/a/hooks", {"type": "gitea", "priority": True}), "body.priority is no integer"),
    ],
    ids=lambda item: item if isinstance(item, str) else "",
)
def test_wrong_requests_are_described(swagger: Swagger, wrong: Call, problem: str) -> None:
    """With method and path."""
    assert swagger.problems([wrong]) == [f"{wrong.method} {wrong.path}: {problem}"]
