"""The servers that the suite puts in place of a code host."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from scmhost.sdk.testing.servers import SlowServer, UnresponsiveServer, closed_authority


@contextmanager
def connected(server: UnresponsiveServer) -> Iterator[socket.socket]:
    host, port = server.authority.split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: forge\r\n\r\n")
        yield connection


def test_unresponsive_server_sends_nothing() -> None:
    """It accepts the connection; a client waits until its own timeout."""
    with UnresponsiveServer.open() as server:
        assert not server.has_new_connections()
        with connected(server) as connection:
            connection.settimeout(0.2)
            with pytest.raises(TimeoutError):
                connection.recv(1)
            assert server.has_new_connections()
            assert not server.has_new_connections()


def test_nothing_listens_at_a_closed_address() -> None:
    """A connection is refused at once, and no other server gets the port meanwhile."""
    with closed_authority() as authority:
        host, port = authority.split(":")
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((host, int(port)), timeout=5)
        with pytest.raises(OSError, match="in use"):
            socket.create_server((host, int(port)))


def test_slow_server_sends_an_answer_without_end() -> None:
    """The head of an answer comes at once, then blanks one by one; several connections are answered."""
    with SlowServer.open() as server:
        assert not server.has_new_connections()
        with connected(server) as first, connected(server) as second:
            for connection in (first, second):
                text = b""
                while not text.endswith(b"\r\n\r\n   "):
                    text += connection.recv(4096)
                assert text.startswith(b"HTTP/1.1 200 OK\r\n")
            assert server.has_new_connections()
            assert not server.has_new_connections()


def test_closed_connections_do_not_end_the_slow_server() -> None:
    """A client that goes away costs nothing; the next one is answered."""
    with SlowServer.open() as server:
        for _ in range(3):
            with connected(server) as connection:
                assert connection.recv(8) == b"HTTP/1.1"
    with pytest.raises(OSError, match="refused"), connected(server):
        pass
