"""Local servers in place of a code host: none, one that never answers, and one that answers slowly and without end."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Final, Self

# The kernel accepts connections up to this number while nobody calls accept().
_BACKLOG: Final = 64
_PAUSE_SECONDS: Final = 0.05
# A body of JSON may begin with any number of blanks.
_HEAD: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n"
_PIECE: Final = b" "


class UnresponsiveServer:
    """A local server that accepts connections and never answers."""

    def __init__(self, listener: socket.socket) -> None:
        self.authority = "{}:{}".format(*listener.getsockname())
        self._listener = listener
        self._connections: list[socket.socket] = []

    @classmethod
    @contextmanager
    def open(cls) -> Iterator[Self]:
        """Open a server for this block. Connections that still wait are closed at its end."""
        with socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG) as listener:
            # ``accept`` is called after each hook, and must not wait for a connection.
            listener.settimeout(0)
            server = cls(listener)
            try:
                yield server
            finally:
                server.has_new_connections()
                for connection in server._connections:
                    connection.close()

    def has_new_connections(self) -> bool:
        """Return whether there were connections since the last call."""
        before = len(self._connections)
        while True:
            try:
                self._connections.append(self._listener.accept()[0])
            except BlockingIOError:
                return len(self._connections) > before


@contextmanager
def closed_authority() -> Iterator[str]:
    """Give an address at which nothing accepts connections, for this block."""
    # The port is taken and not listened at, so that no other process gets it meanwhile.
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield "{}:{}".format(*taken.getsockname())


class SlowServer(UnresponsiveServer):
    """A local server that begins an answer at once and sends a blank of it every 50 ms, without end.

    A timeout for each read of a client never expires here.
    """

    def __init__(self, listener: socket.socket) -> None:
        super().__init__(listener)
        self._seen = 0

    @classmethod
    @contextmanager
    def open(cls) -> Iterator[Self]:
        """Open a server for this block, with a thread that answers."""
        with super().open() as server:
            ended = Event()
            thread = Thread(target=server.answer, args=(ended,), name="scmhost conformance server", daemon=True)
            thread.start()
            try:
                yield server
            finally:
                ended.set()
                thread.join()

    def has_new_connections(self) -> bool:
        """Return whether there were connections since the last call."""
        before, self._seen = self._seen, len(self._connections)
        return self._seen > before

    def answer(self, ended: Event) -> None:
        """Accept connections and send to all of them, until the event is set."""
        begun = 0
        while not ended.wait(_PAUSE_SECONDS):
            super().has_new_connections()
            for number, connection in enumerate(self._connections):
                _send(connection, _PIECE if number < begun else _HEAD)
            begun = len(self._connections)


def _send(connection: socket.socket, data: bytes) -> None:
    try:
        connection.send(data, socket.MSG_DONTWAIT)
    except OSError:
        # The client has closed its end, or reads nothing.
        return
