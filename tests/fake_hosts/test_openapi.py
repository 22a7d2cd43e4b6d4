"""The comparison with GitHub's documents finds what is wrong with a request."""

import json
from typing import Any

import pytest

from .base import Call
from .openapi import IS_MISSING, WHY_MISSING, problems

pytestmark = pytest.mark.skipif(IS_MISSING, reason=WHY_MISSING)

HOOK = {"name": "web", "active": True, "events": ["push"], "config": {"url": "https://x.example/", "secret": "s"}}
QUERY = 'query($name: String!) { repository(owner: "a", name: $name) { id } }'


def call(method: str, path: str, body: Any = None, **query: str) -> Call:
    return Call(method, path, query, {}, b"" if body is None else json.dumps(body).encode())


@pytest.mark.parametrize(
    "valid",
    [
        call("GET", "/api/v3/user/repos", per_page="100", page="2"),
        call("GET", "/api/v3/repos/a/b/contents/src%2Fa.py", ref="main"),
        call("GET", "/api/v3/repositories/7"),
        call("GET", "/api/v3/repositories/7/commits", sha="main"),
        call("POST", "/api/v3/repos/a/b/hooks", HOOK),
        call("POST", "/api/graphql", {"query": QUERY, "variables": {"name": "b"}}),
        call("POST", "/login/oauth/access_token"),
    ],
    ids=lambda valid: valid.path,
)
def test_valid_requests_have_no_problems(valid: Call) -> None:
    """As GitHub describes them; pages for people are not described."""
    assert problems([valid]) == []


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (call("GET", "/api/v3/repos/a/b/contents/src/a.py"), "there is no such operation"),
        (call("PUT", "/api/v3/user/repos"), "there is no such operation"),
        (call("GET", "/api/v3/user/repos", limit="5"), "the query has an unknown 'limit'"),
        (call("GET", "/api/v3/user/repos", page="two"), "the query's 'page' does not fit"),
        (call("GET", "/api/v3/user/repos", sort="size"), "the query's 'sort' does not fit"),
        (call("GET", "/api/v3/user", {"a": 1}), "a body is not expected"),
        (call("POST", "/api/v3/repos/a/b/hooks", {**HOOK, "events": "push"}), "body: "),
        (call("POST", "/api/v3/repos/a/b/hooks", {**HOOK, "config": {"url": 7}}), "body: "),
        (call("POST", "/api/graphql", {"query": QUERY, "variables": {}}), "GraphQL: Variable '$name'"),
        (call("POST", "/api/graphql", {"query": "{ nothing }", "variables": {}}), "Cannot query field 'nothing'"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.path,
)
def test_wrong_requests_have_a_problem(wrong: Call, problem: str) -> None:
    """Of the path, the query, the body or the GraphQL query."""
    found = problems([wrong])
    assert found
    assert problem in found[0]
