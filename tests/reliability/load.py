"""Clients that write all the time, and remember which of their requests were acknowledged."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence, Sized
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

import httpx2

API: Final = "/api/0/organizations/acme/"
SIZES: Final = (1, 3, 40, 250)
"""How many commits a request may have."""


def sha_of(request: int, size: int, index: int) -> str:
    """Return a sha that names its request, how many commits that has, and how many files the commit changes."""
    return f"{request:012x}{size:04x}{index:04x}{(request + index) % 4:02x}".ljust(40, "0")


def request_of(sha: str) -> tuple[int, int]:
    """Return the request of a sha, and how many commits it has."""
    return int(sha[:12], 16), int(sha[12:16], 16)


def files_of(sha: str) -> int:
    """Return how many files the commit of a sha changes."""
    return int(sha[20:22], 16)


@dataclass
class Acknowledged:
    """What the service has confirmed.

    Attributes:
        commits: the shas that were saved.
        releases: the number of commits of each release, as the answer had it.
        claims, deletions: the ids of repositories.
        mappings, removed_mappings: the ids of code mappings.
        removed_releases: versions.
        statuses: how often each status was the answer; 0: there was none.
        surprises: answers that a client does not expect.
        slowest: how long the slowest answer took, in seconds.
    """

    commits: set[str] = field(default_factory=set)
    releases: dict[str, int] = field(default_factory=dict)
    claims: set[int] = field(default_factory=set)
    deletions: set[int] = field(default_factory=set)
    mappings: set[int] = field(default_factory=set)
    removed_mappings: set[int] = field(default_factory=set)
    removed_releases: set[str] = field(default_factory=set)
    statuses: Counter[int] = field(default_factory=Counter)
    surprises: list[str] = field(default_factory=list)
    slowest: float = 0.0

    @property
    def answers(self) -> int:
        """How many requests were answered with success."""
        return sum(times for status, times in self.statuses.items() if 200 <= status < 300)

    @property
    def writes(self) -> int:
        """The number of acknowledged changes."""
        sets: tuple[Sized, ...] = (
            self.claims,
            self.deletions,
            self.mappings,
            self.removed_mappings,
            self.removed_releases,
        )
        return len(self.commits) + len(self.releases) + sum(len(each) for each in sets)


class Writer:
    """A client with a seeded choice of requests. What it does not get an answer to, it never touches again."""

    def __init__(self, number: int, seed: int, installation: str, project: str, done: Acknowledged) -> None:
        self._random = Random(seed * 1_000 + number)  # noqa: S311 - repeatable, not secret
        self._next = (number << 32) + (seed << 16)
        self._name = f"load/{seed}-{number}"
        self._installation = installation
        self._project = project
        self._done = done
        self._claimed: list[dict[str, Any]] = []
        self._mapped: list[str] = []
        self._released: list[str] = []

    def step(self, client: httpx2.Client) -> None:
        """Make one change."""
        choices: Sequence[tuple[Callable[[httpx2.Client], None], int]] = (
            (self._ingest, 6),
            (self._release, 3),
            (self._claim, 3),
            (self._map, 2),
            (self._unmap, 1),
            (self._remove_release, 1),
            (self._remove_repository, 1),
        )
        (action,) = self._random.choices([action for action, _ in choices], [weight for _, weight in choices])
        action(client)

    def _number(self) -> int:
        self._next += 1
        return self._next

    def _call(self, client: httpx2.Client, method: str, path: str, body: Any = None) -> Any:
        """Return the JSON of an acknowledged request; None if it was refused for now, or got no answer."""
        started = time.monotonic()
        try:
            answer = client.request(method, f"{API}{path}", json=body)
        except httpx2.TransportError:
            self._done.statuses[0] += 1
            return None
        finally:
            self._done.slowest = max(self._done.slowest, time.monotonic() - started)
        self._done.statuses[answer.status_code] += 1
        if answer.is_success:
            return answer.json() if answer.content else {}
        if answer.status_code != 503 or "retry-after" not in answer.headers or set(answer.json()) != {"detail"}:
            self._done.surprises.append(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return None

    def _commits(self) -> list[dict[str, Any]]:
        number, size = self._number(), self._random.choice(SIZES)
        return [_commit(sha_of(number, size, index), self._name) for index in range(size)]

    def _ingest(self, client: httpx2.Client) -> None:
        commits = self._commits()
        if self._call(client, "POST", "commits/", {"commits": commits}) is not None:
            self._done.commits.update(each["id"] for each in commits)

    def _release(self, client: httpx2.Client) -> None:
        commits, version = self._commits(), f"{self._name}-{self._number()}".replace("/", "-")
        body = {"version": version, "projects": ["web"], "commits": commits}
        answer = self._call(client, "POST", "releases/", body)
        if answer is not None:
            self._done.commits.update(each["id"] for each in commits)
            self._done.releases[version] = answer["commitCount"]
            self._released.append(version)

    def _claim(self, client: httpx2.Client) -> None:
        name = f"{self._name}/{self._number()}"
        made = self._call(client, "POST", "repos/", {"name": name, "url": f"https://git.example.com/{name}"})
        if made is None:
            return
        body = {"provider": "integrations:custom_scm", "installation": self._installation, "identifier": made["id"]}
        if self._call(client, "POST", "repos/", body) is not None:
            self._done.claims.add(int(made["id"]))
            self._claimed.append(made)

    def _map(self, client: httpx2.Client) -> None:
        if not self._claimed:
            return
        body = {
            "repositoryId": self._claimed[0]["id"],
            "integrationId": self._installation,
            "projectId": self._project,
            "stackRoot": f"/srv/{self._number()}/",
            "sourceRoot": "src/",
            "defaultBranch": "main",
        }
        answer = self._call(client, "POST", "code-mappings/", body)
        if answer is not None:
            self._done.mappings.add(int(answer["id"]))
            self._mapped.append(answer["id"])

    def _unmap(self, client: httpx2.Client) -> None:
        if self._mapped:
            mapping = self._mapped.pop()
            # If there is no answer, it may be there or not.
            self._done.mappings.discard(int(mapping))
            if self._call(client, "DELETE", f"code-mappings/{mapping}/") is not None:
                self._done.removed_mappings.add(int(mapping))

    def _remove_release(self, client: httpx2.Client) -> None:
        if self._released:
            version = self._released.pop(0)
            del self._done.releases[version]
            if self._call(client, "DELETE", f"releases/{version}/") is not None:
                self._done.removed_releases.add(version)

    def _remove_repository(self, client: httpx2.Client) -> None:
        if len(self._claimed) > 1:
            # The first one has code mappings, which would be deleted with it.
            repository = int(self._claimed.pop()["id"])
            self._done.claims.discard(repository)
            if self._call(client, "DELETE", f"repos/{repository}/") is not None:
                self._done.deletions.add(repository)


def _commit(sha: str, repository: str) -> dict[str, Any]:
    return {
        "id": sha,
        "repository": repository,
        "message": "Mend it",
        "author_name": "Ada",
        "author_email": "ada@example.com",
        "timestamp": "2026-01-02T03:04:05+02:00",
        "patch_set": [{"path": f"src/{sha[:12]}/{number}.py", "type": "M"} for number in range(files_of(sha))],
    }


@contextmanager
def writing(writers: Sequence[Writer], client: Callable[[], httpx2.Client]) -> Iterator[None]:
    """Let all writers work, each in a thread, until the end of the block."""
    ended = threading.Event()

    def work(writer: Writer) -> None:
        with client() as own:
            while not ended.is_set():
                writer.step(own)

    threads = [threading.Thread(target=work, args=(writer,)) for writer in writers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()
