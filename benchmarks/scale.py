"""Latency of a service with much data against one with little, at rest and while commits come in.

Usage: ``python benchmarks/scale.py [--full]``. With ``--full`` there are ten times as many commits, and it takes
several minutes. Both services answer in turns, one request after the other. While commits come in, both get the same
ones at the same time. Each number is the mean of the large service by that of the small one, without the slowest tenth.
"""

import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from time import perf_counter, sleep
from typing import Final

from payloads import bodies, names
from served import CONFIGURATION, Request, Side, fill, send
from service import ORGANIZATION, Service, service

from scmhost.infra.db.base import hash_of
from scmhost.infra.db.drivers import write
from scmhost.infra.db.engine import Store
from scmhost.infra.db.statements import driver_converter, new_ids
from scmhost.links.tables import CODE_MAPPINGS
from scmhost.organizations import queries as organization_queries
from scmhost.repositories import queries as repository_queries
from scmhost.repositories.file_queries import pending_jobs

FEW: Final = 1_000
MANY: Final = 100_000
BUSY: Final = ", while commits come in"
# Commits in a body.
SIZE: Final = 1_000
# Of each kind of request, in each of the two states.
ROUNDS: Final = 60


def main() -> None:
    """Print each ratio."""
    for name, ratio in ratios(1_000_000 if "--full" in sys.argv else MANY).items():
        print(f"{name}: {ratio:.2f}")


def ratios(commits: int = MANY) -> dict[str, float]:
    """Return the latency of each request with much data relative to little."""
    with _filled(FEW, FEW) as few, _filled(MANY, commits) as many:
        still = _compare(few, many)
        with _commits_coming_in(few[0]), _commits_coming_in(many[0]):
            busy = _compare(few, many)
    found = {f"scale/{name}": ratio for name, ratio in still.items()}
    return found | {f"scale/{name}{BUSY}": ratio for name, ratio in busy.items()}


Filled = tuple[Service, dict[str, Request]]


@contextmanager
def _filled(count: int, commits: int) -> Iterator[Filled]:
    """Start a service with this many repositories and code mappings, and commits."""
    with TemporaryDirectory() as name:
        (Path(name) / "plugins.toml").write_text(CONFIGURATION, encoding="utf-8")
        url = f"sqlite:///{name}/served.db"
        with service(Path(name), url) as served:
            requests = fill(served)
            _add_rows(url, count)
            # The service closes a connection that was idle meanwhile; the next request opens another one.
            served.connection.close()
            for body in bodies(commits // SIZE, SIZE):
                served.call("POST", "commits/", body)
            _wait_for_index(url)
            served.connection.close()
            yield served, requests


def _add_rows(url: str, count: int) -> None:
    """Add repositories, and code mappings of the project, which other roots begin."""
    store, now = Store.open(url), datetime.now(UTC)
    try:
        with store.write() as tx:
            organization = organization_queries.find_organization(tx, ORGANIZATION)
            assert organization
            project = organization_queries.require_project(tx, organization, "web")
            found = repository_queries.ensure(tx, organization.id, names(count), now)
            fixed = {
                "organization_id": organization.id,
                "project_id": project.id,
                "source_root": "src/",
                "source_hash": hash_of("src/"),
                "default_branch": "main",
                "generated": False,
                "created_at": driver_converter(tx, CODE_MAPPINGS.c.created_at)(now),
            }
            rows = [
                (*fixed.values(), id_, repository.id, f"/srv/{repository.name}/")
                for id_, repository in zip(new_ids(tx, len(found)), found.values(), strict=True)
            ]
            write(tx, CODE_MAPPINGS, (*fixed, "id", "repository_id", "stack_root"), rows)
            organization_queries.touch_mappings(tx, organization.id, project.id)
    finally:
        store.close()


def _wait_for_index(url: str) -> None:
    """Wait until a job has indexed the files of all commits: until then, a trace reads the newest commits too."""
    store = Store.open(url)
    try:
        for _ in range(3_000):
            with store.read() as tx:
                organization = organization_queries.find_organization(tx, ORGANIZATION)
                if organization and not pending_jobs(tx, organization.id):
                    return
            sleep(0.2)
    finally:
        store.close()
    raise TimeoutError("the files of the commits are not indexed")


def _compare(few: Filled, many: Filled) -> dict[str, float]:
    return {name: _ratio(few, many, name) for name in few[1]}


def _ratio(few: Filled, many: Filled, name: str) -> float:
    # The first request of a service fills its caches.
    for each in (few, many):
        _seconds(each, name)
    rounds = [(_seconds(few, name), _seconds(many, name)) for _ in range(ROUNDS)]
    return _mean(large for _, large in rounds) / _mean(small for small, _ in rounds)


def _mean(seconds: Iterable[float]) -> float:
    """Return the mean without the slowest tenth. A median would jump between answers with and without a wait."""
    return fmean(sorted(seconds)[: ROUNDS * 9 // 10])


def _seconds(filled: Filled, name: str) -> float:
    served, requests = filled
    begun = perf_counter()
    send(Side(served.process.pid, served.connection.port), requests[name], 3, clients=1)
    return perf_counter() - begun


@contextmanager
def _commits_coming_in(served: Service) -> Iterator[None]:
    """Send pushes of a few commits to a service until the block ends."""
    stopped = threading.Event()
    pushes = cycle(bodies(200, 5))

    def run() -> None:
        with served.another_connection() as own:
            while not stopped.wait(0.02):
                own.call("POST", "commits/", next(pushes))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


if __name__ == "__main__":
    main()
