"""A ``scmhost serve`` process on loopback with its own database, and a client with one connection to it."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.client import HTTPConnection
from pathlib import Path
from time import clock_gettime, sleep
from typing import Any

COMMAND = Path(sys.executable).with_name("scmhost")
ENVIRON = {name: value for name, value in os.environ.items() if not name.startswith("SCMHOST_")}
ORGANIZATION = "acme"


@dataclass(frozen=True)
class Service:
    """A running service, a connection to it, and a token of its organization ``acme``."""

    process: "subprocess.Popen[bytes]"
    connection: HTTPConnection
    token: str
    folder: Path
    database_url: str

    def call(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """Send a request below the organization; the answer's body."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        self.connection.request(method, f"/api/0/organizations/{ORGANIZATION}/{path}", body, headers)
        answer = self.connection.getresponse()
        content = answer.read()
        assert answer.status in (200, 201), (answer.status, content[:400])
        return content

    @contextmanager
    def another_connection(self) -> "Iterator[Service]":
        """Return the same service with a connection of its own, for another thread."""
        connection = HTTPConnection("127.0.0.1", self.connection.port, timeout=120)
        try:
            yield replace(self, connection=connection)
        finally:
            connection.close()

    def command(self, *words: str) -> Any:
        """Run a command on the service's database; return the JSON that it prints."""
        command = [COMMAND, *words, "--database-url", self.database_url, "--json"]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=self.folder, env=ENVIRON)
        return json.loads(done.stdout)

    def processor_seconds(self) -> float:
        """The processor time of the service so far, over all its processes."""
        return sum(map(processor_seconds, _family(self.process.pid)))

    def peak_megabytes(self) -> float:
        """The most memory that the service ever had, over all its processes."""
        return sum(_peak_kilobytes(pid) for pid in _family(self.process.pid)) / 1024


@contextmanager
def service(folder: Path, database_url: str) -> Iterator[Service]:
    """A service over a database that may be empty."""
    database = ["--database-url", database_url]
    made = subprocess.run(
        [COMMAND, "bootstrap", "--org", ORGANIZATION, "--project", "web", *database, "--json"],
        check=True,
        stdout=subprocess.PIPE,
        cwd=folder,
        env=ENVIRON,
    )
    port = free_port()
    # A full pipe without a reader would block the service.
    with (folder / "service.log").open("wb") as log:
        process = subprocess.Popen(
            [COMMAND, "serve", "--port", str(port), *database], cwd=folder, stderr=log, env=ENVIRON
        )
    connection = HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        wait_for(port)
        yield Service(process, connection, json.loads(made.stdout)["token"], folder, database_url)
    finally:
        connection.close()
        process.terminate()
        process.wait(timeout=30)


def wait_for(port: int) -> None:
    """Wait until a server listens."""
    for _ in range(1_200):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            sleep(0.05)
        else:
            return
    raise TimeoutError("the service does not listen; its log is service.log")


def free_port() -> int:
    """Return a port that no server has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def processor_seconds(pid: int) -> float:
    """The processor time of a process so far."""
    # The clock that clock_getcpuclockid(3) returns for another process; Python has no function for it.
    return clock_gettime((~pid << 3) | 2)


def _family(pid: int) -> Iterator[int]:
    yield pid
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split():
        yield from _family(int(child))


def _peak_kilobytes(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
