"""The base of the fake code hosts: a real repository, real git, and the faults."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from fake_hosts import base
from fake_hosts.base import Call, Delivery, FakeHost, Hook, Refuse, Reply
from fake_hosts.repository import GIT_ENVIRONMENT, Blamed, Change, history


class TinyHost(FakeHost):
    """A host with two calls."""

    ROUTES = (("GET", "/api/{owner}/{repo}/raw/{path*}", "raw"), ("GET", "/api/{owner}/{repo}/log", "log"))

    def raw(self, call: Call, owner: str, repo: str, path: str) -> bytes:
        content = self.find(call, f"{owner}/{repo}").read("main", path)
        if content is None:
            raise Refuse(404)
        return content

    def log(self, call: Call, owner: str, repo: str) -> Reply:
        commits = self.find(call, f"{owner}/{repo}").log("main")
        shas, number, pages = base.page_of(call, [commit.sha for commit in commits], self.largest_page)
        return Reply(shas, headers=base.link_header(self.url, call, number, pages))

    def push_delivery(self, hook: Hook, ref: str, before: str, after: str) -> Delivery:
        return Delivery(hook.url, {}, f"{ref} {before[:4]} {after}".encode())


@pytest.fixture
def host(tmp_path: Path) -> Iterator[TinyHost]:
    with TinyHost(tmp_path) as host:
        yield host


def fetch(host: FakeHost, path: str, **headers: str) -> tuple[int, bytes, Any]:
    try:
        with urlopen(Request(host.url + path, headers=headers)) as answer:  # noqa: S310 - http
            return answer.status, answer.read(), answer.headers
    except HTTPError as error:
        with error:
            return error.code, error.read(), error.headers


def test_a_repository_answers_about_commits_and_files(host: TinyHost) -> None:
    """Everything that the API of a code host shows of a repository."""
    app = host.repository("team/app")
    first = app.commit({"a.py": "one\n", "src/b c.py": "b\n"}, "First\n\nWith a body")
    second = app.commit({"a.py": "one\ntwo\n", "src/b c.py": None}, "Second", author=("Bob", "bob@example.com"))
    app.tag("v1", first, "The first version")
    assert app.refs("heads") == {"main": second}
    assert app.refs("tags") == {"v1": first}
    assert app.resolve("v1") == first
    assert app.resolve("nothing") is None
    assert app.read(first, "src/b c.py") == b"b\n"
    assert app.read(first, "src") is None
    assert app.is_folder(first, "src")
    newest, oldest = app.log("main")
    assert (newest.sha, newest.parents, newest.author_name) == (second, (first,), "Bob")
    assert newest.changes == (Change("a.py", "M"), Change("src/b c.py", "D"))
    assert oldest.message == "First\n\nWith a body\n"
    assert app.blame("main", "a.py") == [Blamed(1, first, 1, "a.py"), Blamed(2, second, 2, "a.py")]
    assert app.count(f"{first}..main") == 1


def test_git_clones_and_pushes(host: TinyHost, tmp_path: Path) -> None:
    """The real client works, and a push calls the webhooks."""
    app = host.repository("team/app", private=True)
    host.tokens["good-token"].repositories.add("team/app")
    first = app.commit({"a.py": "one\n"})
    host.hooks.append(Hook(1, app, "http://127.0.0.1:1/hook", "secret"))
    clone = tmp_path / "clone"
    address = host.url.replace("//", "//ada:good-token@") + "/team/app.git"

    def git(*words: str) -> str:
        command = ["git", "-c", "user.name=A", "-c", "user.email=a@example.com", *words]
        return subprocess.run(command, env=GIT_ENVIRONMENT, check=True, capture_output=True, text=True).stdout.strip()

    git("clone", "--quiet", address, str(clone))
    (clone / "a.py").write_text("two\n", encoding="utf-8")
    git("-C", str(clone), "commit", "--quiet", "--all", "--message", "Change it")
    git("-C", str(clone), "push", "--quiet")
    assert app.head() == git("-C", str(clone), "rev-parse", "HEAD")
    [(delivery, status)] = host.deliveries
    assert delivery.body == f"refs/heads/main {first[:4]} {app.head()}".encode()
    assert status == 0


def test_requests_are_recorded_and_paged(host: TinyHost) -> None:
    """The link leads to the next page with the rest of the query."""
    app = host.repository("team/app")
    shas = history(app, 5)
    status, body, headers = fetch(host, "/api/team/app/log?limit=2&x=a%20b", Accept="text/x")
    assert (status, body) == (200, f'["{shas[4]}", "{shas[3]}"]'.encode())
    assert f'<{host.url}/api/team/app/log?limit=2&x=a%20b&page=2>; rel="next"' in headers["Link"]
    assert "Link" not in fetch(host, "/api/team/app/log")[2]
    assert (host.calls[0].path, host.calls[0].query) == ("/api/team/app/log", {"limit": "2", "x": "a b"})
    assert host.calls[0].headers["accept"] == "text/x"


def test_private_repositories_and_tokens(host: TinyHost) -> None:
    """A foreign repository does not exist; an unknown token is refused."""
    host.repository("team/secret", private=True).commit({"a.py": "x"})
    path = "/api/team/secret/raw/a.py"
    assert fetch(host, path)[0] == 404
    assert fetch(host, path, Authorization="token good-token")[0] == 404
    host.tokens["good-token"].repositories.add("team/secret")
    assert fetch(host, path, Authorization="token good-token")[0] == 200
    assert fetch(host, path, Authorization="token revoked")[0] == 401


@pytest.mark.parametrize(
    ("fault", "status", "start"),
    [
        (base.rate_limit(7), 429, b"{"),
        (base.status(502), 502, b"{"),
        (base.web_page(), 200, b"<!doctype"),
        (base.wrong_types(), 200, b'["text"'),
        (base.huge_body(1000), 200, b"[   "),
        (base.slow(0.0), 200, b"x"),
    ],
)
def test_faults_take_the_place_of_the_answer(host: TinyHost, fault: base.Fault, status: int, start: bytes) -> None:
    """For the requests that match, as often as asked for."""
    host.repository("team/app").commit({"a.py": "x"})
    host.fault(fault, on="GET .*/raw/", times=1)
    assert fetch(host, "/api/team/app/log")[0] == 200
    given = fetch(host, "/api/team/app/raw/a.py")
    assert (given[0], given[1][: len(start)]) == (status, start)
    assert fetch(host, "/api/team/app/raw/a.py")[1] == b"x"


def test_half_an_answer_ends_the_connection(host: TinyHost) -> None:
    """The length in the head is that of the whole."""
    host.fault(base.half_body())
    with pytest.raises(Exception, match="IncompleteRead"):
        fetch(host, "/")
