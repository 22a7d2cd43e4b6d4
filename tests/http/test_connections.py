"""Limits of connections: heads that are too long or too slow, clients that do not read, and too many of them."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final, cast

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from scmhost.infra.connections import bounded_protocol
from scmhost.infra.settings import Limits
from socket_client import Answer, read

LIMITS: Final = Limits(header_bytes=2_048, headers=12, connections=6)
# Shorter than an operator may set them.
HURRIED: Final = LIMITS.model_copy(update={"header_seconds": 0.1, "idle_seconds": 0.1, "answer_seconds": 0.1})
HEAD: Final = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
POST: Final = b"POST / HTTP/1.1\r\nHost: localhost\r\n"
LONG_ANSWER: Final = 64 * 1024 * 1024


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the length of the body; ``/long``: many bytes; ``/unread``: without reading; ``/wait``: never."""
    assert scope["type"] == "http"
    if scope["path"] == "/wait":
        while (await receive())["type"] != "http.disconnect":
            pass
        return
    length, more = 0, scope["path"] != "/unread"
    while more:
        message = await receive()
        length += len(message.get("body", b""))
        more = message.get("more_body", False)
    text = b"x" * LONG_ANSWER if scope["path"] == "/long" else str(length).encode()
    headers = [(b"content-length", str(len(text)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": text})


Connect = Callable[[], socket.socket]


@contextmanager
def serving(limits: Limits) -> Iterator[Connect]:
    """Serve with limits; the function opens a connection."""
    config = uvicorn.Config(
        application,
        http=cast("Any", bounded_protocol(limits)),
        timeout_keep_alive=limits.idle_seconds,
        ws="none",
        lifespan="off",
        log_config=None,
        loop="uvloop",
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield lambda: socket.create_connection(listener.getsockname(), timeout=30)
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def connect() -> Iterator[Connect]:
    """A server with small limits of size."""
    with serving(LIMITS) as opened:
        yield opened


@pytest.fixture(scope="module")
def hurried() -> Iterator[Connect]:
    """A server with small limits of time, too."""
    with serving(HURRIED) as opened:
        yield opened


def sent(connect: Connect, raw: bytes) -> Answer:
    with connect() as opened:
        opened.sendall(raw)
        return read(opened)


def end_of(opened: socket.socket) -> bytes:
    """Return what arrives until the server closes the connection."""
    received = b""
    try:
        while block := opened.recv(65_536):
            received += block
    except ConnectionResetError:
        pass
    return received


TOO_LONG: Final = {
    "one header": HEAD + b"A: " + b"a" * 3_000 + b"\r\n\r\n",
    "many headers": HEAD + b"".join(b"A%d: %s\r\n" % (number, b"a" * 500) for number in range(6)) + b"\r\n",
    "one header without an end": HEAD + b"A: " + b"a" * 3_000,
    "a name without an end": HEAD + b"a" * 3_000,
    "an address": b"GET /" + b"a" * 3_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "an address without an end": b"GET /" + b"a" * 3_000,
}


@pytest.mark.parametrize("raw", TOO_LONG.values(), ids=TOO_LONG)
def test_a_head_that_is_too_long_is_refused(connect: Connect, raw: bytes) -> None:
    """It gets 431 with the name of the limit, whether it is complete or not, and the connection is closed."""
    with connect() as opened:
        opened.sendall(HEAD + b"\r\n")
        assert read(opened).status == 200
        opened.sendall(raw)
        received = end_of(opened)
    assert received.startswith(b"HTTP/1.1 431")
    assert b"limits.header_bytes" in received


def test_a_head_within_the_limits_is_answered(connect: Connect) -> None:
    """Also in pieces, one after the other on a connection, and several at once."""
    with connect() as opened:
        for raw in (HEAD + b"\r\n", POST + b"Content-Length: 5000\r\n\r\n" + b"a" * 5_000):
            for start in range(0, len(raw), 700):
                opened.sendall(raw[start : start + 700])
            assert read(opened).status == 200
        opened.sendall((HEAD + b"\r\n") * 2 + HEAD + b"Connection: close\r\n\r\n")
        assert end_of(opened).count(b"HTTP/1.1 200") == 3


def test_too_many_headers_are_refused(connect: Connect) -> None:
    """The number has a limit, too: each of them takes more memory than its bytes."""
    twelve = b"".join(b"A%d: a\r\n" % number for number in range(11))
    assert sent(connect, HEAD + twelve + b"\r\n").status == 200
    answer = sent(connect, HEAD + twelve + b"B: b\r\n\r\n")
    assert (answer.status, "limits.headers" in json.loads(answer.body)["detail"]) == (431, True)


def test_headers_after_a_body_in_chunks_count(connect: Connect) -> None:
    """A client cannot send them without an end."""
    with connect() as opened:
        opened.sendall(POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n")
        try:
            for _ in range(1_000):
                opened.sendall(b"A: " + b"a" * 1_000 + b"\r\n")
        except OSError:
            return
        assert b"200" not in end_of(opened)


def test_chunks_of_one_byte_are_read(connect: Connect) -> None:
    """What surrounds the parts of a body does not count as a head."""
    body = b"1\r\na\r\n" * 5_000 + b"0\r\n\r\n"
    assert sent(connect, POST + b"Transfer-Encoding: chunked\r\n\r\n" + body).body == b"5000"


@pytest.mark.parametrize("half", [b"", HEAD, HEAD + b"A", b"\r\n\r\n", b"GE"], ids=repr)
def test_half_a_head_is_not_waited_for(hurried: Connect, half: bytes) -> None:
    """After a time the connection is closed; if a head has begun, with 408."""
    with hurried() as opened:
        opened.sendall(half)
        received = end_of(opened)
    assert (b" 408 " in received) == half.startswith(b"GE")


def test_half_a_second_head_is_not_waited_for(hurried: Connect) -> None:
    """The limit applies to every request of a connection."""
    with hurried() as opened:
        opened.sendall(HEAD + b"\r\n" + HEAD)
        received = end_of(opened)
    assert received.count(b"HTTP/1.1 200") == 1


def test_a_body_after_its_answer_is_not_waited_for(hurried: Connect) -> None:
    """A client that goes on with a body that nobody reads does not keep its connection."""
    with hurried() as opened:
        opened.sendall(b"POST /unread HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\na")
        assert end_of(opened).count(b"HTTP/1.1") == 1


def test_an_answer_that_is_not_read_is_dropped(hurried: Connect) -> None:
    """The server keeps neither the connection nor the bytes."""
    with hurried() as opened:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        opened.sendall(b"GET /long HTTP/1.1\r\nHost: localhost\r\n\r\n")
        # The server ends the connection although nothing was read: this is noticed by the next one to be sent.
        others = threading.Event()
        while not _is_reset(opened):
            others.wait(0.05)
        assert len(end_of(opened)) < LONG_ANSWER


def _is_reset(opened: socket.socket) -> bool:
    try:
        opened.send(b"\r\n")
    except OSError:
        return True
    return False


def test_half_sent_requests_do_not_keep_others_out(connect: Connect) -> None:
    """With more of them than connections, those that have waited longest are closed, and others are answered."""
    with ExitStack() as stack:
        half = [stack.enter_context(connect()) for _ in range(20)]
        for number, opened in enumerate(half):
            try:
                opened.sendall(HEAD if number % 2 else POST + b"Content-Length: 10\r\n\r\n123")
            except OSError:
                continue
        for _ in range(5):
            assert sent(connect, HEAD + b"\r\n").status == 200


def test_connections_have_a_limit(connect: Connect) -> None:
    """One that waits for an answer is not closed for another one, which gets 503 with Retry-After."""
    with ExitStack() as stack:
        for _ in range(LIMITS.connections):
            # Pipelined, so that its first answer shows that the second request has arrived.
            opened = stack.enter_context(connect())
            opened.sendall(HEAD + b"\r\nGET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert read(opened).status == 200
        answer = sent(connect, HEAD + b"\r\n")
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
        assert "limits.connections" in json.loads(answer.body)["detail"]
    # Until the server has noticed that they are closed.
    while answer.status == 503:
        answer = sent(connect, HEAD + b"\r\n")
    assert answer.status == 200


def test_requests_of_one_connection_that_wait_have_a_limit(connect: Connect) -> None:
    """A client that sends thousands without reading an answer is disconnected."""
    with connect() as opened:
        opened.sendall(b"GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n" + (HEAD + b"\r\n") * 100)
        assert end_of(opened) == b""
