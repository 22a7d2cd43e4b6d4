"""The fake GitLab: it refuses what GitLab does not document, and keeps tokens, scopes and pages apart."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

from fake_hosts.base import Call, User
from fake_hosts.gitlab import DOCUMENTED, FakeGitLab, undocumented
from fake_hosts.repository import history

TOKEN = "good-token"


@pytest.fixture
def host(tmp_path: Path) -> Iterator[FakeGitLab]:
    with FakeGitLab(tmp_path) as fake:
        yield fake


def ask(host: FakeGitLab, path: str, method: str = "GET", token: str = TOKEN, **query: str) -> tuple[int, Any, Any]:
    url = f"{host.url}{path}" + (f"?{urlencode(query)}" if query else "")
    request = Request(url, headers={"PRIVATE-TOKEN": token}, method=method)  # noqa: S310 - http
    try:
        with urlopen(request) as answer:  # noqa: S310 - http
            return answer.status, json.loads(answer.read() or b"null"), answer.headers
    except HTTPError as error:
        with error:
            return error.code, json.loads(error.read() or b"null"), error.headers


@pytest.mark.parametrize(
    ("method", "path", "query", "problem"),
    [
        ("GET", "/api/v4/projects/7", {}, None),
        ("GET", "/api/v4/projects/acme%2Fcart/repository/files/a%2Fb.py/blame", {"ref": "main"}, None),
        ("GET", "/api/v4/projects/acme/cart", {}, "GET /api/v4/projects/acme/cart"),
        ("GET", "/api/v4/project/7", {}, "GET /api/v4/project/7"),
        ("POST", "/api/v4/projects/7", {}, "POST /api/v4/projects/7"),
        ("GET", "/api/v4/projects/7", {"full": "1"}, "GET /api/v4/projects/{project}: full"),
        (
            "HEAD",
            "/api/v4/projects/7/repository/files/a.py",
            {"rev": "main"},
            "HEAD /api/v4/projects/{project}/repository/files/{path}: no ref, rev",
        ),
    ],
)
def test_a_request_is_documented_or_not(method: str, path: str, query: dict[str, str], problem: str | None) -> None:
    """The path, the method, and the names of parameters, of which some are required."""
    assert undocumented(Call(method, path, query, {})) == problem


def test_the_body_has_documented_parameters_too() -> None:
    """As JSON or as a form."""
    path, kind = "/api/v4/projects/7/hooks", {"content-type": "application/json"}
    assert undocumented(Call("POST", path, {}, kind, b'{"url": "https://x.example", "token": "t"}')) is None
    assert undocumented(Call("POST", path, {}, kind, b'{"address": "https://x.example"}')) == (
        "POST /api/v4/projects/{project}/hooks: address, no url"
    )
    form = b"client_id=a&grant_type=refresh_token&redirect_uri=b&refresh_token=c"
    assert undocumented(Call("POST", "/oauth/token", {}, {}, form)) is None


def test_every_answer_is_documented() -> None:
    """The fake has no route that the documentation does not have."""
    documented = {(row["method"], row["path"]) for row in DOCUMENTED}
    assert {(method, path) for method, path, _ in FakeGitLab.ROUTES} <= documented


def test_an_undocumented_request_is_remembered(host: FakeGitLab) -> None:
    """A test can fail because of it."""
    assert ask(host, "/api/v4/projects", everything="1")[0] == 400
    assert host.undocumented == ["GET /api/v4/projects: everything"]


def test_tokens_scopes_and_members_are_checked(host: FakeGitLab) -> None:
    """As GitLab does: 401 for a wrong token, 403 for a missing scope, 404 for a project of others."""
    project = host.repository("acme/cart", private=True)
    path = f"/api/v4/projects/{project.id}"
    assert ask(host, path, token="wrong")[0] == 401
    assert ask(host, path)[0] == 404
    host.tokens["good-token"].repositories.add("acme/cart")
    assert ask(host, path)[1]["path_with_namespace"] == "acme/cart"
    host.tokens["narrow"] = User("bob", {"acme/cart"}, frozenset({"read_user"}))
    assert ask(host, path, token="narrow")[0] == 403
    assert ask(host, "/api/v4/user", token="narrow")[0] == 200
    host.expired.add("good-token")
    assert ask(host, path)[1]["error"] == "invalid_token"


def test_keyset_pages_end(host: FakeGitLab) -> None:
    """Each page leads to the next; the order must be by id."""
    host.largest_page = 2
    for number in range(3):
        host.repository(f"acme/app{number}")
    query = {"pagination": "keyset", "order_by": "id", "sort": "asc"}
    first = ask(host, "/api/v4/projects", **query)
    assert [item["path"] for item in first[1]] == ["app0", "app1"]
    last = ask(host, "/api/v4/projects", **query, id_after=str(first[1][-1]["id"]))
    assert ([item["path"] for item in last[1]], last[2].get("Link")) == (["app2"], None)
    assert "id_after=" in first[2]["Link"]
    assert ask(host, "/api/v4/projects", pagination="keyset", order_by="name", sort="asc")[0] == 405


def test_a_renamed_project_redirects(host: FakeGitLab) -> None:
    """To its number; what follows the project in the address stays."""
    project = host.repository("acme/cart")
    history(project, 1)
    project.rename("acme", "basket")
    status, found, _ = ask(host, "/api/v4/projects/acme%2Fcart/repository/branches/main")
    assert (status, found["commit"]["id"]) == (200, project.head())
    assert host.calls[-1].path == f"/api/v4/projects/{project.id}/repository/branches/main"
