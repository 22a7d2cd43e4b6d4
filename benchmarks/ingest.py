"""Commits over HTTP against the bare database: what the service adds to writing the same rows.

Both sides write the same rows into the same tables, a thousand commits with three file changes each in a transaction.
They take turns, so that the machine's other work falls on both. The bare side gets its rows ready-made: it reads no
JSON, checks no text, and looks for nothing that may be known already. On SQLite it has the journal and the care for
power cuts that the service has, and else what SQLite does on its own: it checks no foreign key either.

``ingest/memory`` is no ratio: it is the most memory that a service needed for all of it, in megabytes.
"""

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import NamedTuple

from bare import Bare, bare_postgresql, bare_sqlite
from payloads import CHANGES, bodies
from service import Service, service

BODIES = 100
COMMITS = 1_000
# So many requests, then the same rows bare.
TURN = 5

# The test suite knows how to bring up a PostgreSQL.
sys.path.append(str(Path(__file__).parents[1] / "tests"))
databases = import_module("databases")


class Run(NamedTuple):
    """Seconds for all commits, sent first, sent again, and written bare; and the most memory, in megabytes."""

    first: float
    again: float
    bare: float
    memory: float


def main() -> None:
    """Print the rows in a second, and each figure."""
    runs = _runs()
    rows = BODIES * COMMITS * (1 + CHANGES)
    for name, run in runs.items():
        speeds = (f"{rows / seconds:,.0f}" for seconds in run[:3])
        print("{}: {} rows/s by HTTP, {} again, {} bare".format(name, *speeds))
    for name, figure in _figures(runs).items():
        print(f"{name}: {figure:.2f}")


def ratios() -> dict[str, float]:
    """How fast the service is against the bare database, how much faster the second time, and its memory."""
    return _figures(_runs())


def _figures(runs: dict[str, Run]) -> dict[str, float]:
    return {
        **{f"ingest/{name}": run.bare / run.first for name, run in runs.items()},
        "ingest/again": runs["sqlite"].first / runs["sqlite"].again,
        "ingest/memory": max(run.memory for run in runs.values()),
    }


def _runs() -> dict[str, Run]:
    sent = bodies(BODIES, COMMITS)
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
        databases.postgres_server() as server,
        databases.new_database(server) as ours,
        databases.new_database(server) as theirs,
        TemporaryDirectory() as folder,
        service(Path(folder), ours) as served,
        bare_postgresql(theirs, ours) as bare,
    ):
        return _run(sent, served, bare)


def _run(sent: Sequence[bytes], served: Service, bare: Bare) -> Run:
    first = written = 0.0
    for place in range(0, len(sent), TURN):
        turn = sent[place : place + TURN]
        first += _seconds(lambda turn=turn: _send(served, turn))
        batches = bare.new_batches()
        written += _seconds(lambda batches=batches: bare.write(batches))
    again = _seconds(lambda: _send(served, sent))
    return Run(first, again, written, served.peak_megabytes())


def _send(served: Service, sent: Sequence[bytes]) -> None:
    for body in sent:
        served.call("POST", "commits/", body)


def _seconds(work: Callable[[], object]) -> float:
    begun = perf_counter()
    work()
    return perf_counter() - begun


if __name__ == "__main__":
    main()
