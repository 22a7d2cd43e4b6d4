"""A database without a service before it, to which the rows of a served one are written as fast as its driver can."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from time import process_time
from typing import Any, NamedTuple, Protocol

import psycopg
from service import processor_seconds

from scmhost.infra.db.engine import Store

COMMITS = 1_000
# Commits refer to these.
FIRST = ("organizations", "repositories", "authors")

Row = tuple[Any, ...]


class Batch(NamedTuple):
    """The rows of a transaction."""

    commits: list[Row]
    changes: list[Row]


class Bare(Protocol):
    """A database that follows a served one."""

    def new_batches(self) -> list[Batch]:
        """What has come to the served one since the last time; what commits refer to is copied at once."""

    def write(self, batches: Iterable[Batch]) -> None:
        """Write them."""

    def processor_seconds(self) -> float:
        """The processor time so far of this process, and of the server process that it writes to."""

    def served_processor_seconds(self) -> float:
        """The processor time so far of the server processes that the service writes to."""

    def served_jobs(self) -> int:
        """How many jobs wait in the served database."""


class BareSqlite:
    """``executemany`` of ready-made tuples."""

    def __init__(self, connection: sqlite3.Connection, served: Path) -> None:
        self._connection = connection
        self._last = 0
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA wal_autocheckpoint = 8000")
        connection.execute("PRAGMA cache_size = -8192")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("ATTACH DATABASE ? AS served", [str(served)])

    def new_batches(self) -> list[Batch]:
        with self._connection:
            for table in FIRST:
                self._connection.execute(f"INSERT OR IGNORE INTO main.{table} SELECT * FROM served.{table}")
        commits = self._rows("commits", "id")
        changes = self._rows("file_changes", "commit_id")
        self._last = commits[-1][1]
        return cut(commits, changes)

    def write(self, batches: Iterable[Batch]) -> None:
        for batch in batches:
            with self._connection:
                self._insert("commits", batch.commits)
                self._insert("file_changes", batch.changes)

    def processor_seconds(self) -> float:
        return process_time()

    def served_processor_seconds(self) -> float:
        # SQLite runs in the service.
        return 0.0

    def served_jobs(self) -> int:
        (number,) = self._connection.execute("SELECT count(*) FROM served.jobs").fetchone()
        return int(number)

    def _rows(self, table: str, key: str) -> list[Row]:
        query = f"SELECT * FROM served.{table} WHERE {key} > ? ORDER BY {key}"
        return self._connection.execute(query, [self._last]).fetchall()

    def _insert(self, table: str, rows: list[Row]) -> None:
        places = ", ".join("?" * len(rows[0]))
        self._connection.executemany(f"INSERT INTO main.{table} VALUES ({places})", rows)


class BarePostgresql:
    """COPY of ready-made tuples."""

    def __init__(self, connection: psycopg.Connection, served: psycopg.Connection) -> None:
        self._connection = connection
        self._served = served
        self._last = 0

    def new_batches(self) -> list[Batch]:
        with self._connection.transaction(), self._served.transaction():
            for table in FIRST:
                self._follow(table)
            commits = self._rows("commits", "id")
            changes = self._rows("file_changes", "commit_id")
        self._last = commits[-1][1]
        return cut(commits, changes)

    def write(self, batches: Iterable[Batch]) -> None:
        for batch in batches:
            with self._connection.transaction(), self._connection.cursor() as cursor:
                self._copy(cursor, "commits", batch.commits)
                self._copy(cursor, "file_changes", batch.changes)

    def processor_seconds(self) -> float:
        return process_time() + processor_seconds(self._connection.info.backend_pid)

    def served_processor_seconds(self) -> float:
        found = self._served.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
            " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        return sum(processor_seconds(pid) for (pid,) in found)

    def served_jobs(self) -> int:
        found = self._served.execute("SELECT count(*) FROM jobs").fetchone()
        assert found
        return int(found[0])

    def _follow(self, table: str) -> None:
        found = self._connection.execute(f"SELECT coalesce(max(id), 0) FROM {table}").fetchone()
        assert found
        query = f"COPY (SELECT * FROM {table} WHERE id > {found[0]}) TO STDOUT"
        with (
            self._served.cursor() as source,
            self._connection.cursor() as target,
            source.copy(query) as rows,
            target.copy(f"COPY {table} FROM STDIN") as copied,
        ):
            for part in rows:
                copied.write(part)

    def _rows(self, table: str, key: str) -> list[Row]:
        return self._served.execute(f"SELECT * FROM {table} WHERE {key} > {self._last} ORDER BY {key}").fetchall()

    def _copy(self, cursor: "psycopg.Cursor[Row]", table: str, rows: list[Row]) -> None:
        with cursor.copy(f"COPY {table} FROM STDIN") as copied:
            for row in rows:
                copied.write_row(row)


@contextmanager
def bare_sqlite(folder: Path, served: Path) -> Iterator[Bare]:
    """An SQLite file beside a served one."""
    path = folder / "bare.db"
    _migrate(f"sqlite:///{path}")
    with closing(sqlite3.connect(path)) as connection:
        yield BareSqlite(connection, served)


@contextmanager
def bare_postgresql(url: str, served: str) -> Iterator[Bare]:
    """A PostgreSQL database beside a served one."""
    _migrate(url)
    with psycopg.connect(url, autocommit=True) as connection, psycopg.connect(served, autocommit=True) as source:
        yield BarePostgresql(connection, source)


def cut(commits: list[Row], changes: list[Row]) -> list[Batch]:
    """Transactions of a thousand commits, each with its share of the changes."""
    share = COMMITS * len(changes) // len(commits)
    starts = range(0, len(commits), COMMITS)
    return [
        Batch(commits[start : start + COMMITS], changes[number * share : (number + 1) * share])
        for number, start in enumerate(starts)
    ]


def _migrate(url: str) -> None:
    store = Store.open(url)
    try:
        store.migrate()
    finally:
        store.close()
