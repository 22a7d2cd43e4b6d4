"""Send commits over HTTP, and write the same rows to a bare database, to measure what the service adds.

Both sides write the same rows into the same tables, a thousand commits with three file changes each in a transaction.
They take turns. The bare side gets finished rows: it reads no JSON,
checks no text, and does not query for known commits. The databases have the same settings on both sides: the same
indexes, foreign keys that are checked, and on SQLite the journal, the durability and the checkpoints of the service.

What counts is the processor time of a side with its database, because other work of the machine does not change it
much. ``ingest/sqlite`` and ``ingest/postgresql`` are about the requests alone. A turn of one side is compared with the
same turn of the other, because writes take longer the more there is; the median of these ratios counts.

The service also has an index of files, which a job brings up to date some seconds after commits came in; the bare side
has none. The figures ``with the index of files`` count all turns, and in the service all that it does until its last
job is done.

``ingest/releases`` is the time for a release with a thousand new commits, relative to that for as many commits alone
just before; the median counts.
A release has a row for each of them, with two foreign keys. On PostgreSQL the figure is higher, and has a bound of its
own.
``ingest/again`` compares the time for new commits with that for the same commits once they are known.
``ingest/memory`` is no ratio, but the peak memory of a service in megabytes.
"""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from shutil import rmtree
from statistics import median
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from typing import NamedTuple

from bare import Bare, bare_postgresql, bare_sqlite
from payloads import CHANGES, bodies
from service import Service, service

BODIES = 100
COMMITS = 1_000
# Requests in a turn.
TURN = 5
# Requests with commits alone, and as many with releases.
RELEASES = 20
WITH_INDEX = ", with the index of files"
# How long the jobs may take after the last request.
PATIENCE = 120.0

# The test suite starts PostgreSQL servers.
sys.path.append(str(Path(__file__).parents[1] / "tests"))
databases = import_module("databases")


class Run(NamedTuple):
    """Processor seconds of a turn, sent, sent again, and written to the bare database; and the peak memory in MB.

    ``speed`` is that of the service relative to the bare database, ``with_index`` the same over all turns and the jobs
    that follow them, and ``releases`` the time for a release relative to that for commits alone.
    """

    first: float
    again: float
    bare: float
    speed: float
    with_index: float
    releases: float
    memory: float


def main() -> None:
    """Print the rows per second, and each figure."""
    runs = _runs()
    rows = TURN * COMMITS * (1 + CHANGES)
    for name, run in runs.items():
        speeds = (f"{rows / seconds:,.0f}" for seconds in run[:3])
        print("{}: {} rows by HTTP in a processor second, {} again, {} bare".format(name, *speeds))
    for name, figure in _figures(runs).items():
        print(f"{name}: {figure:.2f}")


def ratios() -> dict[str, float]:
    """Return the speed relative to the bare database, that of known commits relative to new ones, and the memory."""
    return _figures(_runs())


def _figures(runs: dict[str, Run]) -> dict[str, float]:
    return {
        **{f"ingest/{name}": run.speed for name, run in runs.items()},
        **{f"ingest/{name}{WITH_INDEX}": run.with_index for name, run in runs.items()},
        "ingest/again": runs["sqlite"].first / runs["sqlite"].again,
        **{f"ingest/releases, {name}": run.releases for name, run in runs.items()},
        "ingest/memory": max(run.memory for run in runs.values()),
    }


def _runs() -> dict[str, Run]:
    sent = bodies(BODIES + 2 * RELEASES, COMMITS)
    return {"sqlite": _sqlite(sent), "postgresql": _postgresql(sent)}


def _sqlite(sent: Sequence[bytes]) -> Run:
    with TemporaryDirectory() as name:
        folder = Path(name)
        with (
            service(folder, f"sqlite:///{folder}/served.db") as served,
            bare_sqlite(folder, folder / "served.db") as bare,
        ):
            return _run(sent, served, bare)


def _postgresql(sent: Sequence[bytes]) -> Run:
    with (
        new_postgresql(2) as (ours, theirs),
        TemporaryDirectory() as folder,
        service(Path(folder), ours) as served,
        bare_postgresql(theirs, ours) as bare,
    ):
        return _run(sent, served, bare)


@contextmanager
def new_postgresql(count: int) -> Iterator[list[str]]:
    """Start a PostgreSQL server for the block; return the URLs of new databases in it."""
    server_folder = databases.new_server_folder()
    try:
        with databases.postgres_server() as server, ExitStack() as stack:
            yield [stack.enter_context(databases.new_database(server)) for _ in range(count)]
    finally:
        rmtree(server_folder, ignore_errors=True)


def _run(sent: Sequence[bytes], served: Service, bare: Bare) -> Run:
    turns = [sent[start : start + TURN] for start in range(0, BODIES, TURN)]
    first, written = [], []

    def clock() -> float:
        return served.processor_seconds() + bare.served_processor_seconds()

    begun = clock()
    for turn in turns:
        first.append(_seconds(partial(_send, served, turn), clock))
        batches = bare.new_batches()
        written.append(_seconds(partial(bare.write, batches), bare.processor_seconds))
    # The service closes an idle connection; the next request opens another one.
    served.connection.close()
    _await_jobs(bare)
    with_index = sum(written) / (clock() - begun)
    again = [_seconds(partial(_send, served, turn), clock) for turn in turns]
    releases = _release_ratio(sent[BODIES:], served, clock)
    speed = median(theirs / ours for theirs, ours in zip(written, first, strict=True))
    return Run(min(first), min(again), min(written), speed, with_index, releases, served.peak_megabytes())


def _await_jobs(bare: Bare) -> None:
    """Wait until the service has no job left."""
    end = monotonic() + PATIENCE
    while bare.served_jobs():
        if monotonic() > end:
            raise TimeoutError("jobs are left")
        sleep(0.5)


def _release_ratio(sent: Sequence[bytes], served: Service, clock: Callable[[], float]) -> float:
    plain, with_release = [], []
    for number, body in enumerate(sent):
        if number % 2:
            release = json.dumps({"version": f"build-{number}", "projects": ["web"]} | json.loads(body)).encode()
            with_release.append(_seconds(partial(served.call, "POST", "releases/", release), clock))
        else:
            plain.append(_seconds(partial(served.call, "POST", "commits/", body), clock))
    return median(slow / fast for slow, fast in zip(with_release, plain, strict=True))


def _send(served: Service, sent: Sequence[bytes]) -> None:
    for body in sent:
        served.call("POST", "commits/", body)


def _seconds(work: Callable[[], object], clock: Callable[[], float]) -> float:
    begun = clock()
    work()
    return clock() - begun


if __name__ == "__main__":
    main()
