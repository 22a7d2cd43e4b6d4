"""Violations of HTTP by clients of a served scmhost: incomplete bodies, early disconnects, slow bytes, garbage."""

import json
import re
import select
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from api import commit
from endpoints import ENDPOINTS, Endpoint
from socket_client import SocketClient, open_socket_client, read, reset

WITH_BODY = [endpoint for endpoint in ENDPOINTS if endpoint.body is not None]
ENDPOINT = {endpoint.id: endpoint for endpoint in ENDPOINTS}
PUT_RELEASE = ENDPOINT["PUT /api/0/organizations/{organization}/releases/{version}/"]
POST_COMMITS = ENDPOINT["POST /api/0/organizations/{organization}/commits/"]
RECEIVE = ENDPOINT["POST /hooks/{installation_id}/"]
LIST_REPOSITORIES = ENDPOINT["GET /api/0/organizations/{organization}/repos/"]

ALL_OF_IT = {
    "commits": 3_000,
    "file_changes": 3_000,
    "known_files": 1,
    "release_commits": 3_000,
    "release_heads": 1,
    "repositories": 1,
}
Leave = Callable[[socket.socket], None]


@pytest.fixture(scope="module")
def socket_client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SocketClient]:
    """One service for all of these tests."""
    with open_socket_client(tmp_path_factory.mktemp("wire")) as opened:
        yield opened


@pytest.mark.parametrize("part", [0.0, 0.5, 0.99])
@pytest.mark.parametrize("endpoint", WITH_BODY, ids=lambda endpoint: endpoint.id)
def test_half_a_body_changes_nothing(socket_client: SocketClient, endpoint: Endpoint, part: float) -> None:
    """A request with an incomplete body changes nothing and is no error of the service."""
    # The organization's own: the service adds its entry about plugins.toml when it comes to it.
    before, content = socket_client.populated.own_rows(), socket_client.populated.body(endpoint)
    with socket_client.connect() as opened:
        opened.sendall(socket_client.head_with_body(endpoint, content) + content[: int(len(content) * part)])
    assert socket_client.next_log_line()["status"] < 500
    assert socket_client.populated.own_rows() == before
    assert socket_client.is_healthy()


def big(socket_client: SocketClient, name: str) -> bytes:
    """Return three thousand commits of one repository."""
    commits = [commit(f"{number:040x}", f"team/{name}") for number in range(3_000)]
    return json.dumps({"commits": commits}).encode()


@pytest.mark.parametrize("leave", [socket.socket.close, reset], ids=["closed", "reset"])
@pytest.mark.parametrize("part", [0.01, 0.5, 0.9999, 1.0])
def test_a_client_that_leaves_saves_all_or_nothing(socket_client: SocketClient, part: float, leave: Leave) -> None:
    """After a disconnect at any moment all commits of the request are saved, or none and no repository."""
    name = f"big-{part}-{leave.__name__}"
    before, content = socket_client.populated.own_rows(), big(socket_client, name)
    opened = socket_client.connect()
    opened.sendall(socket_client.head_with_body(PUT_RELEASE, content) + content[: int(len(content) * part)])
    leave(opened)
    socket_client.next_log_line()
    after = socket_client.populated.own_rows()
    grown = {table: len(rows) - len(before[table]) for table, rows in after.items() if len(rows) != len(before[table])}
    assert grown in ({}, ALL_OF_IT)
    assert grown or after == before
    assert len(socket_client.populated.api.get("repos/", params={"query": name}).json()) == grown.get("repositories", 0)


def test_slow_clients_do_not_delay_others(socket_client: SocketClient) -> None:
    """While fifty clients send their bodies byte by byte, others are answered; at the end the fifty are too."""
    content = json.dumps({"commits": []}).encode()
    with ExitStack() as stack:
        slow = [stack.enter_context(socket_client.connect()) for _ in range(50)]
        for opened in slow:
            opened.sendall(socket_client.head_with_body(POST_COMMITS, content))
        for byte in content[:-1]:
            for opened in slow:
                opened.sendall(bytes([byte]))
            assert socket_client.exchange(socket_client.head(LIST_REPOSITORIES)).status == 200
        for opened in slow:
            opened.sendall(content[-1:])
        assert {read(opened).status for opened in slow} == {200}
    assert socket_client.is_healthy()


@pytest.fixture(scope="module")
def hurried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SocketClient]:
    """A service that waits one second for a body."""
    with open_socket_client(tmp_path_factory.mktemp("hurried"), "[limits]\nbody_seconds = 1\n") as opened:
        yield opened


@pytest.mark.parametrize("drop", [b"", b" "], ids=["stops", "drips"])
@pytest.mark.parametrize("endpoint", [PUT_RELEASE, RECEIVE], ids=lambda endpoint: endpoint.id)
def test_a_body_that_takes_too_long_is_refused(hurried: SocketClient, endpoint: Endpoint, drop: bytes) -> None:
    """The limit is for the whole body; the answer has its name and closes the connection."""
    with hurried.connect() as opened:
        opened.sendall(hurried.head_with_body(endpoint, b" " * 1_000_000) + b" ")
        while not select.select([opened], [], [], 0.02)[0]:
            opened.sendall(drop)
        answer = read(opened)
        assert (answer.status, list(json.loads(answer.body))) == (408, ["detail"])
        assert "limits.body_seconds" in json.loads(answer.body)["detail"]
        assert answer.headers["connection"] == "close"
    assert hurried.is_healthy()


def test_body_timeout_excludes_processing_time(hurried: SocketClient) -> None:
    """Processing a large body may take longer than the limit for its arrival."""
    content = big(hurried, "big")
    answer = hurried.exchange(hurried.head_with_body(PUT_RELEASE, content) + content)
    assert answer.status == 200


HEALTH = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
CHUNKED = "Content-Type: application/json", "Transfer-Encoding: chunked"
RUBBISH = {
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "a version to come": b"GET /healthz HTTP/9.9\r\n\r\n",
    "a method of its own": b"BREW /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a request line of 100 KB": b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a query of 100 KB": b"GET /api/0/nothing/?q=" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a path that is not ASCII": "GET /api/0/é/ HTTP/1.1\r\nHost: localhost\r\n\r\n".encode("latin-1"),
    "a header without a name": HEALTH + b": nothing\r\n\r\n",
    "a header with a line end": HEALTH + b"X-A: b\rX-C: d\r\n\r\n",
    "two lengths": HEALTH + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "a length below zero": HEALTH + b"Content-Length: -1\r\n\r\n",
    "a length that is no number": HEALTH + b"Content-Length: many\r\n\r\n",
    "a length beyond all bounds": HEALTH + b"Content-Length: " + b"9" * 30 + b"\r\n\r\n",
    "a length and chunks": HEALTH + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "an unknown encoding": HEALTH + b"Transfer-Encoding: rot13\r\n\r\n",
    "a chunk of no size": HEALTH + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n\r\n",
}


@pytest.mark.parametrize("raw", RUBBISH.values(), ids=RUBBISH)
def test_malformed_request_is_refused_and_service_is_healthy(socket_client: SocketClient, raw: bytes) -> None:
    """A malformed request is an error of the client, and the next client is answered as usual."""
    assert 400 <= socket_client.exchange(raw).status < 500
    assert socket_client.is_healthy()


def test_garbage_after_a_request_affects_only_that_connection(socket_client: SocketClient) -> None:
    """A valid request is answered, even if garbage follows it on the connection."""
    with socket_client.connect() as opened:
        opened.sendall(HEALTH + b"\r\n" + b"\x00rubbish\r\n\r\n")
        assert read(opened).status in (200, 400)
    assert socket_client.is_healthy()


def test_requests_sent_at_once_are_answered_in_order(socket_client: SocketClient) -> None:
    """Pipelined requests are answered in their order."""
    last = HEALTH.replace(b"healthz", b"nothing") + b"Connection: close\r\n\r\n"
    with socket_client.connect() as opened:
        opened.sendall((HEALTH + b"\r\n") * 3 + last)
        received = b"".join(iter(lambda: opened.recv(65_536), b""))
    assert re.findall(rb"HTTP/1\.1 (\d+)", received) == [b"200", b"200", b"200", b"404"]


def test_ten_thousand_headers_are_read_or_refused(socket_client: SocketClient) -> None:
    """The request is answered or rejected, and the service stays healthy."""
    answer = socket_client.exchange(
        HEALTH + b"".join(b"X-Header-%d: value\r\n" % number for number in range(10_000)) + b"\r\n"
    )
    assert answer.status in (200, 400, 431)
    assert socket_client.is_healthy()


@pytest.mark.parametrize("path", ["/healthz", "/r/key?file=a.py", "/api/0/organizations/acme/"])
def test_a_connection_is_used_again_after_a_head(socket_client: SocketClient, path: str) -> None:
    """A HEAD has the head of the GET, whose length it announces, and no body follows it."""
    requests = [f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n" for method in ("HEAD", "GET", "HEAD")]
    with socket_client.connect() as opened:
        answers = []
        for request in requests:
            opened.sendall(request.encode())
            answers.append(read(opened, request.partition(" ")[0]))
    first, got, last = answers
    assert first.status == got.status == last.status
    assert (first.body, last.body) == (b"", b"")
    assert first.headers["content-length"] == got.headers["content-length"] == str(len(got.body))
    assert socket_client.is_healthy()


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_a_body_may_come_in_chunks(socket_client: SocketClient, size: int) -> None:
    """A chunked body is read, even with very small chunks."""
    content = socket_client.populated.body(POST_COMMITS)
    pieces = [content[start : start + size] for start in range(0, len(content), size)]
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in [*pieces, b""])
    answer = socket_client.exchange(socket_client.head(POST_COMMITS, *CHUNKED) + chunks)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")


@pytest.mark.parametrize("end", [b"", b"5\r\nab", b"xyz\r\n"], ids=["no end", "half a chunk", "no size"])
def test_chunks_that_break_off_change_nothing(socket_client: SocketClient, end: bytes) -> None:
    """A chunked body without an end changes nothing."""
    before, content = socket_client.populated.own_rows(), socket_client.populated.body(POST_COMMITS)
    with socket_client.connect() as opened:
        opened.sendall(socket_client.head(POST_COMMITS, *CHUNKED) + b"%x\r\n%b\r\n" % (len(content), content) + end)
    assert socket_client.next_log_line()["status"] < 500
    assert socket_client.populated.own_rows() == before
    assert socket_client.is_healthy()
