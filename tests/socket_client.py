"""Send requests to a served scmhost over plain sockets, which no client library would send."""

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

from endpoints import Endpoint, PopulatedHost, open_populated
from serving import Served, serve


@dataclass(frozen=True)
class Answer:
    """An answer that was read from a socket."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class SocketClient:
    """A populated database, and a service over it in a process of its own."""

    populated: PopulatedHost
    served: Served

    def connect(self) -> socket.socket:
        """Return a connection that sends every byte at once."""
        opened = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return opened

    @property
    def port(self) -> int:
        """The port of the service."""
        return int(self.served.url.rpartition(":")[2])

    def head(self, endpoint: Endpoint, *lines: str) -> bytes:
        """Return the head of an endpoint's request, with its token and additional lines."""
        first = f"{endpoint.method} {self.populated.url(endpoint)} HTTP/1.1"
        token = f"Authorization: Bearer {self.populated.api.there.token}"
        return "\r\n".join([first, "Host: localhost", token, *lines, "", ""]).encode()

    def head_with_body(self, endpoint: Endpoint, content: bytes) -> bytes:
        """Return the head of a request with a JSON body, signed like a push."""
        proof = [f"{name}: {value}" for name, value in self.populated.signature(content).items()]
        return self.head(endpoint, "Content-Type: application/json", f"Content-Length: {len(content)}", *proof)

    def exchange(self, raw: bytes) -> Answer:
        """Send bytes that are, or should be, a whole request, and return the answer."""
        with self.connect() as opened:
            opened.sendall(raw)
            return read(opened)

    def next_log_line(self) -> dict[str, Any]:
        """Wait for the log line of the next request that ends."""
        self.served.read_until("request", len(self.requests()) + 1)
        return self.requests()[-1]

    def requests(self) -> list[dict[str, Any]]:
        """Return the log lines of requests that have been read so far."""
        return [line for line in self.served.log if line.get("event") == "request"]

    def errors(self) -> list[dict[str, Any]]:
        """Return the log lines of errors of the service."""
        return [line for line in self.served.log if line.get("level") == "error" or "text" in line]

    def is_healthy(self) -> bool:
        """Return whether the next valid request is answered, without an error in the log until then."""
        answer = self.exchange(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        while self.next_log_line()["path"] != "/healthz":
            pass
        return answer.status == 200 and self.errors() == []


@contextmanager
def open_socket_client(folder: Path, settings: str = "") -> Iterator[SocketClient]:
    """Serve a populated database, with additional settings."""
    with open_populated(folder) as populated:
        with (folder / "plugins.toml").open("a", encoding="utf-8") as file:
            file.write(settings)
        url = populated.api.host.settings.host.database_url
        # Health probes are logged at this level only.
        with serve(folder, "--database-url", url, "--log-level", "debug") as served:
            socket_client = SocketClient(populated, served)
            # The socket opens a moment after the service has logged its start; this client retries.
            with served.client() as client:
                client.get("/healthz")
            socket_client.next_log_line()
            yield socket_client


def read(opened: socket.socket, method: str = "GET") -> Answer:
    """Return the next answer on a connection, to a request with this method."""
    response = HTTPResponse(opened, method=method)
    response.begin()
    return answer_of(response)


def answer_of(response: HTTPResponse) -> Answer:
    """Return an answer whose head has been read."""
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, headers, response.read())


def reset(opened: socket.socket) -> None:
    """Close a connection with a reset, as after a crash of the client's machine."""
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    opened.close()
