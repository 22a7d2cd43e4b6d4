"""Serve a database, write to it, and kill the service."""

import json
import signal
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

import httpx2
import psutil

from api import PLUGINS_TOML
from command import scmhost
from reliability.figures import LONG
from reliability.load import API, Acknowledged, Writer, writing
from serving import Served, serve

WRITERS: Final = 4
# For a service that answers nothing: a test must fail instead of waiting for ever.
PATIENCE_SECONDS: Final = 120


@dataclass
class Service:
    """A service on a database, whose processes are started again and again.

    Attributes:
        folder: its configuration is there.
        url: its database.
        done: what it has acknowledged, in all of its lives.
    """

    folder: Path
    url: str
    seed: int
    done: Acknowledged = field(default_factory=Acknowledged)
    lives: int = 0
    _token: str = ""
    _project: str = ""
    _installation: str = ""

    def prepare(self) -> None:
        """Create the database with an organization."""
        (self.folder / "plugins.toml").write_text(PLUGINS_TOML, encoding="utf-8")
        made = scmhost("bootstrap", "--org", "acme", "--project", "web", "--database-url", self.url, "--json")
        there = json.loads(made.out)
        self._token, self._project = there["token"], there["project"]["id"]

    @contextmanager
    def running(self, workers: int) -> Iterator[Served]:
        """Start the service, and stop it at the end of the block, unless it was killed."""
        with serve(self.folder, "--database-url", self.url, workers=workers) as served:
            served.keep_reading()
            self.lives += 1
            if not self._installation:
                form = {"provider": "custom_scm", "name": "team", "url": "https://git.example.com/"}
                with self.client(served) as client:
                    self._installation = client.post(f"{API}integrations/", json=form).json()["id"]
            yield served

    def client(self, served: Served) -> httpx2.Client:
        """Return a client that reports each failure at once."""
        headers = {"Authorization": f"Bearer {self._token}"}
        return httpx2.Client(base_url=served.url, headers=headers, timeout=60, trust_env=False)

    def writing(self, served: Served, writers: int = WRITERS) -> AbstractContextManager[None]:
        """Let clients write until the end of the block."""
        made = [
            Writer(number, self.seed + self.lives, self._installation, self._project, self.done)
            for number in range(writers)
        ]
        return writing(made, lambda: self.client(served))

    def life(self, workers: int, random: Random) -> None:
        """Serve writers with so many processes, and kill them all at a random moment."""
        with self.running(workers) as served, self.writing(served):
            self._wait_for_answers(random)
            if workers > 1 and random.random() < 0.5:
                kill_a_worker(served, random)
                self._wait_for_answers(random)
            kill(served)

    def _wait_for_answers(self, random: Random) -> None:
        """Wait for a number of answers that is chosen at random, and then a moment: a request is half done."""
        wanted = self.done.answers + random.randrange(5, 60 if LONG else 20)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.done.answers < wanted:
            assert time.monotonic() < deadline, (self.done.statuses, self.done.surprises)
            time.sleep(0.01)
        time.sleep(random.uniform(0, 0.05))


def kill(served: Served) -> None:
    """Kill all processes of a service, the supervisor first."""
    service = psutil.Process(served.process.pid)
    for process in [service, *service.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGKILL)
    served.process.wait()


def kill_a_worker(served: Served, random: Random) -> None:
    """Kill one of its workers."""
    workers = [it for it in psutil.Process(served.process.pid).children() if "spawn_main" in " ".join(it.cmdline())]
    with suppress(psutil.NoSuchProcess, IndexError):
        random.choice(workers).kill()
