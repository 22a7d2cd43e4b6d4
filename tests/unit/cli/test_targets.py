"""The HTTP client of commands, against a server on this machine."""

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from scmhost.cli import targets
from scmhost.cli.targets import ServerClient, ServerError, ServerTarget
from scmhost.infra.errors import InvalidInput


@dataclass
class Answering:
    """A server that gives one answer, and keeps the requests."""

    url: str = ""
    status: int = 200
    kind: str = "application/json"
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    requests: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)

    def client(self) -> ServerClient:
        return ServerClient.open(self.url, "secret")

    def answer(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.status, self.body, self.kind = status, body, kind


@pytest.fixture
def server() -> Iterator[Answering]:
    """A server on a free port of the loopback interface."""
    state = Answering()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            state.requests.append((self.command, self.path, dict(self.headers), body))
            self.send_response(state.status)
            headers = {"Content-Type": state.kind, "Content-Length": str(len(state.body)), **state.headers}
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(state.body)

        do_GET = do_POST  # noqa: N815 - the name that http.server calls

        def log_message(self, *_arguments: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        state.url = f"http://127.0.0.1:{listening.server_port}"
        yield state
        listening.shutdown()
        thread.join()


def test_request_has_token_and_json(server: Answering) -> None:
    """A body is sent as JSON, and the list under the key is returned."""
    server.answer(200, b'{"frames": [1]}')
    assert server.client().post("/api/x", {"ä": 1}, "frames") == [1]
    ((method, path, headers, body),) = server.requests
    assert (method, path, json.loads(body)) == ("POST", "/api/x", {"ä": 1})
    assert headers["Authorization"] == "Bearer secret"
    assert headers["Content-Type"] == headers["Accept"] == "application/json"


def test_get_returns_any_json(server: Answering) -> None:
    """A request without a body has no content type."""
    server.answer(200, b"[1, 2]")
    assert server.client().get("/x") == [1, 2]
    assert server.requests[0][0] == "GET"
    assert "Content-Type" not in server.requests[0][2]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_refused(server: Answering, status: int) -> None:
    """The token is not sent to another address; the error contains that address."""
    server.status, server.headers = status, {"Location": f"{server.url}/elsewhere"}
    with pytest.raises(ServerError, match=rf"answered {status}: it redirects to .*/elsewhere; use that address"):
        server.client().get("/x")
    assert [path for _, path, _, _ in server.requests] == ["/x"]


@pytest.mark.parametrize(
    ("kind", "body", "message"),
    [
        ("application/json", b'{"detail": "no release"}', "no release"),
        ("application/problem+json", b'{"detail": "no release"}', "no release"),
        ("application/json", b'{"error": 1}', '{"error": 1}'),
        ("application/json", b'{"detail": ["a"]}', '["a"]'),
        ("application/json", b"[1]", "[1]"),
        ("application/json", b"no json", "no json"),
        ("application/json", b"[" * 5000, "[" * 200),
        ("text/html", b"<h1>Bad gateway</h1>", "<h1>Bad gateway</h1>"),
        ("text/plain", b"x" * 5000, "x" * 200),
        ("text/plain", b"\xff", "\ufffd"),
        ("text/plain", b"", ""),
    ],
)
def test_error_has_the_message_of_the_server(server: Answering, kind: str, body: bytes, message: str) -> None:
    """For every body, the error is one short message."""
    server.answer(502, body, kind)
    with pytest.raises(ServerError) as error:
        server.client().get("/x")
    assert str(error.value) == f"{server.url} answered 502: {message}"


def test_accepted_status_is_an_answer(server: Answering) -> None:
    """A service that is not ready answers 503 with a body; other errors stay errors."""
    server.answer(503, b'{"detail": "starting"}')
    assert server.client().get("/readyz", accept_status=503) == {"detail": "starting"}
    server.answer(503, b"<html>", "text/html")
    with pytest.raises(ServerError, match="answered 503 without JSON"):
        server.client().get("/readyz", accept_status=503)
    server.answer(500, b"{}")
    with pytest.raises(ServerError, match="answered 500"):
        server.client().get("/readyz", accept_status=503)


@pytest.mark.parametrize("body", [b"", b"<html>login</html>", b"\xff\xfe", b"[" * 5000])
def test_answer_that_is_not_json_is_an_error(server: Answering, body: bytes) -> None:
    """Another program may listen at the address."""
    server.answer(200, body, "text/html")
    with pytest.raises(ServerError, match="answered 200 without JSON; check that --url"):
        server.client().get("/x")


@pytest.mark.parametrize("body", [b"{}", b"[]", b"null", b'{"frames": null}', b'{"frames": {}}', b'"frames"'])
def test_answer_of_another_shape_is_an_error(server: Answering, body: bytes) -> None:
    """An answer without the expected list cannot be used."""
    server.answer(200, body)
    with pytest.raises(ServerError, match="answered without 'frames'"):
        server.client().post("/x", {}, "frames")


def test_incomplete_answer_is_an_error(server: Answering) -> None:
    """The connection ended before the stated length."""
    server.headers = {"Content-Length": "100"}
    with pytest.raises(ServerError, match="does not answer"):
        server.client().get("/x")


def test_slow_server_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that accepts a connection and sends nothing is given up after the time limit."""
    monkeypatch.setattr(targets, "TIMEOUT_SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = ServerClient.open(f"http://127.0.0.1:{silent.getsockname()[1]}", "secret")
        with pytest.raises(ServerError, match="does not answer: timed out"):
            client.get("/x")


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://", "http://no such host/"])
def test_unreachable_server_is_an_error(url: str) -> None:
    """The error has the address, and never the token."""
    with pytest.raises(ServerError, match="does not answer") as error:
        ServerClient.open(url, "secret").get("/x")
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("url", ["", "example.com", "ftp://x", "file:///etc/passwd", "HTTP//x"])
def test_other_schemes_are_refused(url: str) -> None:
    """Urllib would open files too."""
    with pytest.raises(InvalidInput, match="is not a server's address"):
        ServerClient.open(url, "secret")


@pytest.mark.parametrize("token", [None, "", " \n"])
def test_token_is_required(token: str | None) -> None:
    """The error has both ways to give one."""
    with pytest.raises(InvalidInput, match="give --token, or set SCMHOST_AUTH_TOKEN"):
        ServerClient.open("https://x", token)


@pytest.mark.parametrize("token", ["geh\neim", "geh\x00eim", "gehéim", "geh\r\nX-Header: eim"])
def test_token_with_other_characters_is_refused(token: str) -> None:
    """It can add no header, and is not in the message."""
    with pytest.raises(InvalidInput, match="characters that no token has") as error:
        ServerClient.open("https://x", token)
    assert "eim" not in str(error.value)


def test_client_is_tidied_and_hides_its_token() -> None:
    """A final slash of the URL, and whitespace around the token, are removed."""
    client = ServerClient.open("https://x/", "secret\n")
    assert (client.url, client.token) == ("https://x", "secret")
    assert "secret" not in repr(client)


def test_commits_are_sent_to_the_organization(server: Answering) -> None:
    """The path contains the percent-encoded slug; the result is the total of new commits."""
    target = ServerTarget(server.client(), "a b/ä")
    server.answer(200, b'{"missing": ["1", "2", "1"]}')
    assert target.missing("team/app", ["1", "2", "3"]) == {"1", "2"}
    server.answer(200, b'{"repositories": [{"new": 2}, {"new": 3}]}')
    assert target.send([{"id": "1"}]) == 5
    bodies: list[Any] = [json.loads(body) for _, _, _, body in server.requests]
    assert bodies == [{"repository": "team/app", "ids": ["1", "2", "3"]}, {"commits": [{"id": "1"}]}]
    paths = [path for _, path, _, _ in server.requests]
    start = "/api/0/organizations/a%20b%2F%C3%A4/commits/"
    assert paths == [f"{start}missing/", start]
