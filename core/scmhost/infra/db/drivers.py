"""Engines of the two databases, and how their drivers are set up."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, make_url
from sqlalchemy.engine import ExecutionContext
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import PoolProxiedConnection

from scmhost.infra.settings import DatabaseSettings

from .base import COPY_TYPES, begin_sqlite, dump_json, load_json
from .errors import StoreError

if TYPE_CHECKING:
    import psycopg
    from psycopg import Cursor

    from .engine import Transaction
    from .postgresql import PostgresServer

_DRIVERS: Final = {
    "sqlite": "sqlite+pysqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}

# Idle connections to SQLite. Each may hold ``_CACHE`` of the file.
_KEPT_FILES: Final = 16
# In KiB. With SQLite's two megabytes the pages of a thousand commits do not fit: they are read and written repeatedly.
_CACHE: Final = 8192

_COLUMN_KINDS: Final = "kinds"
"""The execution option with the PostgreSQL types of a COPY's columns."""

_INSERT: Final = "INSERT INTO {} ({}) VALUES {}{}"
# Rows in one statement on SQLite, which takes 32,766 values.
_PIECES: Final = (1000, 50)


class Database:
    """What is known of a database besides its engine.

    Attributes:
        path: the file of SQLite.
        opened: the device and inode of the file that this process has open; None before, and for a server.
    """

    path = ""
    opened: tuple[int, int] | None = None

    def connect(self, engine: Engine) -> Connection:
        """Return a connection of the pool, if the database can be used."""
        raise NotImplementedError

    def require_same(self) -> None:
        """Check that the file is the one that was opened."""

    def check(self) -> None:
        """Check the file as a whole."""

    def note(self, error: Exception) -> None:
        """Remember an error of a request, so that ``check`` looks for its cause."""


_ESCAPE: Final = "write @ in a user or password as %40, / as %2F, and % as %25"
_URL_FORMS: Final = "write sqlite:///path/to/file.db or postgresql://user:password@host/name"


def checked_url(database_url: str) -> URL:
    """Return the URL of a database, with the driver that is used for it.

    Raises:
        StoreError: it is malformed, or of another kind of database. The text does not contain it, or its password.
    """
    try:
        url = make_url(database_url)
    except (ArgumentError, ValueError):
        # Not "from error": its text contains the URL, and with it the password.
        raise StoreError(f"The database URL cannot be read; {_URL_FORMS}; {_ESCAPE}.") from None
    driver = _DRIVERS.get(url.drivername)
    if driver is None:
        raise StoreError(f"The database URL begins with {url.drivername!r}; {_URL_FORMS}.")
    if driver.startswith("postgresql") and "@" in f"{url.host}{url.database}":
        # The password ends at its first @: the rest of it would be the host, and appear in messages.
        raise StoreError(f"The database URL has more than one @; {_ESCAPE}.")
    if driver.startswith("sqlite") and url.database in (None, "", ":memory:"):
        raise StoreError(f"The database URL names no file; {_URL_FORMS}.")
    return url.set(drivername=driver)


# PostgreSQL's library takes a password from there, too; SQLAlchemy hides the one before the host alone.
_SECRET_PARAMETERS: Final = ("password", "sslpassword")


def shown(url: URL) -> str:
    """Return a URL as an operator writes it, without its password; of a file, with its whole path."""
    is_file = url.get_backend_name() == "sqlite" and url.database
    full = url.set(database=str(Path(str(url.database)).absolute())) if is_file else url
    full = full.difference_update_query(_SECRET_PARAMETERS)
    return full.set(drivername=url.get_backend_name()).render_as_string(hide_password=True)


def reader_options(engine: Engine) -> dict[str, Any]:
    """Return the execution options with which transactions of this engine only read."""
    if engine.dialect.name == "sqlite":
        return {"writes": False}
    # PostgreSQL's default shows each statement a newer state; an answer of several statements must be consistent.
    return {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


def _create(url: URL, **options: Any) -> Engine:
    # hide_parameters: error texts are logged, and the values may be commit messages or e-mail addresses.
    return create_engine(url, hide_parameters=True, json_serializer=dump_json, json_deserializer=load_json, **options)


_long: ContextVar[bool] = ContextVar("long statements", default=False)


@contextmanager
def long_statements() -> Iterator[None]:
    """Allow the statements of the block ``database.long_statement_seconds``: those of migrations, exports and jobs."""
    before = _long.set(True)
    try:
        yield
    finally:
        _long.reset(before)


def is_long() -> bool:
    """Return whether statements may take long now."""
    return _long.get()


# With these a connection over TCP ends within half a minute when its server, or the network, has gone.
_KEEPALIVE: Final = {
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}


def postgresql_engine(url: URL, settings: DatabaseSettings) -> tuple[Engine, "PostgresServer"]:
    """Return an engine for PostgreSQL, and what is known of its server. What the URL sets has precedence."""
    # Imported with the first PostgreSQL: SQLite needs no psycopg.
    from .postgresql import PostgresServer  # noqa: PLC0415

    server = PostgresServer(settings)
    chosen = {**_KEEPALIVE, "connect_timeout": settings.connect_seconds}
    kept = max(1, settings.pool_size // 3)
    engine = _create(
        url,
        connect_args={name: value for name, value in chosen.items() if name not in url.query},
        # Connections that a failover or a proxy has closed are replaced before a request uses them.
        pool_pre_ping=True,
        pool_size=kept,
        max_overflow=settings.pool_size - kept,
        pool_timeout=settings.pool_seconds,
        pool_recycle=1800,
    )
    event.listen(engine, "do_connect", lambda _dialect, _record, args, options: server.open(tuple(args), options))
    event.listen(engine, "connect", _prepare_postgresql)
    event.listen(engine, "do_execute", _copy_one)
    event.listen(engine, "do_executemany", _copy)
    # Not the event "begin": an error there would be no error of SQLAlchemy, and leave the connection in the pool.
    engine.dialect.do_begin = _begin  # type: ignore[method-assign]
    return engine, server


def _begin(dbapi_connection: PoolProxiedConnection) -> None:
    connection: Any = dbapi_connection.driver_connection
    connection.begin()


def _prepare_postgresql(connection: "psycopg.Connection[Any]", _record: Any) -> None:
    """Switch off prepared statements behind a pooler such as PgBouncer.

    In its transaction mode, the next transaction may be on another connection to the server, which does not have them.
    """
    with connection.cursor() as cursor:
        # A pooler gives each client a number of its own in the place of the server process's.
        cursor.execute("SELECT pg_backend_pid()")
        if cursor.fetchone() != (connection.info.backend_pid,):
            connection.prepare_threshold = None
    connection.rollback()


def _copy_one(cursor: "Cursor[Any]", statement: str, row: tuple[Any, ...], context: ExecutionContext) -> bool:
    return _copy(cursor, statement, [row], context)


def _copy(cursor: "Cursor[Any]", statement: str, rows: Sequence[tuple[Any, ...]], context: ExecutionContext) -> bool:
    """Run a COPY with its rows. The driver has a method of its own for it. Return False for any other statement."""
    if not statement.startswith("COPY "):
        return False
    with cursor.copy(statement.encode()) as copied:
        copied.set_types(context.execution_options[_COLUMN_KINDS])
        for row in rows:
            copied.write_row(row)
    return True


def sqlite_engine(url: URL, busy_timeout: float) -> Engine:
    """Return an engine for SQLite, whose writers wait for each other up to so many seconds."""
    # Connections are files: as many as there are threads. Opening one reads the schema, which takes longer than most
    # requests; the last one used has the warmest cache.
    engine = _create(
        url, connect_args={"timeout": busy_timeout}, pool_size=_KEPT_FILES, max_overflow=-1, pool_use_lifo=True
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    try:
        _configure_sqlite(connection)
    except sqlite3.Error:
        # The pool drops a connection whose preparation fails without closing it.
        connection.close()
        raise


def _configure_sqlite(connection: sqlite3.Connection) -> None:
    # Off: the driver begins transactions itself, but not before every statement, so a reader could see two states.
    connection.isolation_level = None
    # SQLite enforces foreign keys only for connections that switch it on.
    connection.execute("PRAGMA foreign_keys = ON")
    # With a write-ahead log, readers do not wait for the writer.
    if connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        connection.execute("PRAGMA journal_mode = WAL")
    # With a write-ahead log, a power failure can lose the last transactions, but never corrupts the file.
    connection.execute("PRAGMA synchronous = NORMAL")
    # In pages. Bulk writes change the same pages several times; a late checkpoint copies each of them once.
    connection.execute("PRAGMA wal_autocheckpoint = 8000")
    connection.execute(f"PRAGMA cache_size = -{_CACHE}")


def write(
    tx: "Transaction",
    table: Table,
    columns: Sequence[str],
    rows: Iterable[tuple[Any, ...]],
    *,
    unique: int = 0,
    appended: bool = False,
) -> None:
    """Insert new rows with the fastest method of the driver. Values are not converted: see ``driver_converter``.

    Args:
        tx: the transaction.
        table: the table.
        columns: the columns of the rows.
        rows: the rows. They may be a ``zip``: none of its tuples is kept on SQLite.
        unique: how many columns at the beginning are the key, if several rows may have the same; the first one counts.
        appended: whether the rows come behind all others in each index. SQLite then inserts many of them at once, which
            is faster; but of a statement with many rows it copies each page that it changes, to undo it.

    Raises:
        IntegrityError: a row with one of the keys exists already. On SQLite the rows before it may be inserted.
    """
    connection = tx.connection()
    if connection.dialect.name == "postgresql":
        _copy_rows(connection, table, columns, list(rows), unique)
        return
    names, key = tuple(columns), tuple(columns[:unique])
    values: Iterator[Any] = chain.from_iterable(rows)
    for size in _PIECES if appended else ():
        statement, count = _insert_statement(table.name, names, key, size), size * len(names)
        while len(piece := tuple(islice(values, count))) == count:
            connection.exec_driver_sql(statement, piece)
        values = iter(piece)
    if rest := list(zip(*[values] * len(names), strict=True)):
        connection.exec_driver_sql(_insert_statement(table.name, names, key, 1), rest)


def _copy_rows(
    connection: Connection, table: Table, columns: Sequence[str], rows: list[tuple[Any, ...]], unique: int
) -> None:
    if unique and len({row[:unique] for row in rows}) < len(rows):
        rows = list(reversed({row[:unique]: row for row in reversed(rows)}.values()))
    kinds = [COPY_TYPES[type(table.c[name].type)] for name in columns]
    copy = f"COPY {table.name} ({', '.join(columns)}) FROM STDIN (FORMAT BINARY)"
    if rows:
        connection.exec_driver_sql(copy, rows, execution_options={_COLUMN_KINDS: kinds})


@cache
def _insert_statement(table: str, columns: tuple[str, ...], key: tuple[str, ...], count: int) -> str:
    places = f"({', '.join('?' for _ in columns)})"
    rest = f" ON CONFLICT ({', '.join(key)}) DO NOTHING" if key else ""
    return _INSERT.format(table, ", ".join(columns), ", ".join([places] * count), rest)
