"""Run ``scmhost serve`` in a process of its own, and send it requests over loopback."""

import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import SystemRandom
from threading import Thread
from types import MappingProxyType
from typing import Any

import httpx2

from command import SCMHOST

# Hypothesis gives all workers the same seed for ordinary random numbers.
_RANDOM = SystemRandom()


@dataclass
class Served:
    """A running service. ``log`` fills with its log lines as they are read."""

    process: "subprocess.Popen[str]"
    url: str
    log: list[dict[str, Any]] = field(default_factory=list)
    _reader: Thread | None = None

    def client(self, token: str | None = None) -> httpx2.Client:
        """Return a client that retries while the server opens its socket."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        transport = httpx2.HTTPTransport(retries=8)
        return httpx2.Client(base_url=self.url, headers=headers, transport=transport, timeout=30, trust_env=False)

    def read_until(self, event: str, times: int = 1) -> None:
        """Read the log until an event has been logged this many times."""
        assert self.process.stderr is not None
        while sum(line.get("event") == event for line in self.log) < times:
            line = self.process.stderr.readline()
            assert line, f"the service ended without {event!r}: {self.log}"
            self._note(line)

    def keep_reading(self) -> None:
        """Read the log in a thread, because a full pipe would block the service."""
        self._reader = Thread(target=self._read_rest, daemon=True)
        self._reader.start()

    def stop(self) -> int:
        """Stop the service, and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        if self._reader:
            self._reader.join()
        else:
            self._read_rest()
        return self.process.wait(timeout=30)

    def _read_rest(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._note(line)

    def _note(self, line: str) -> None:
        self.log.append(json.loads(line) if line.startswith("{") else {"text": line.rstrip()})


def free_port() -> int:
    """Return a port that no process uses now.

    The ports are below those that the system gives to clients: a connection of a parallel test cannot take the port
    before the service opens it.
    """
    while True:
        port = _RANDOM.randrange(20_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@contextmanager
def serve(
    folder: Path,
    *words: str,
    command: Path = SCMHOST,
    workers: int = 1,
    more: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Served]:
    """Serve ``plugins.toml`` and ``served.db`` of a folder, with additional environment variables."""
    port = free_port()
    arguments = [str(command), "serve", "--port", str(port), "--workers", str(workers), "--config", "plugins.toml"]
    database = ["--database-url", f"sqlite:///{folder}/served.db"]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("SCMHOST_")}
    environ |= more
    with subprocess.Popen(
        [*arguments, *database, *words], cwd=folder, stderr=subprocess.PIPE, text=True, env=environ
    ) as process:
        served = Served(process, f"http://127.0.0.1:{port}")
        try:
            served.read_until("started", workers)
            yield served
        finally:
            if process.poll() is None:
                served.stop()
