"""The store: the connections of one database, its transactions, and the state of its tables."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.engine import ExecutionContext
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.orm import Session

from . import schema
from .base import dump_json, load_json
from .errors import StoreError, translate

if TYPE_CHECKING:
    from psycopg import Cursor

Transaction = Session

_DRIVERS: Final = {
    "sqlite": "sqlite+pysqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}

# By whether the transaction writes. A writer takes SQLite's lock at once: a reader that becomes a writer fails when
# another writer was faster.
_SQLITE_BEGIN: Final = {False: "BEGIN", True: "BEGIN IMMEDIATE"}

KINDS: Final = "kinds"
"""The execution option with the PostgreSQL types of a COPY's columns."""

SCHEMA_PROBLEMS: Final[Mapping[schema.SchemaState, str]] = {
    "empty": "it has no tables yet; run scmhost migrate",
    "older": "its tables are of an older version of scmhost; run scmhost migrate",
    "newer": "its tables are of a newer version of scmhost; install that version, or restore a backup from before the "
    "upgrade",
}
"""What is wrong with tables that are not those of this version, and what to do."""

_ESCAPE: Final = "write @ in a user or password as %40, / as %2F, and % as %25"
_URL_FORMS: Final = "write sqlite:///path/to/file.db or postgresql://user:password@host/name"


class Store:
    """The database of a process. Threads may share it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = engine.execution_options(**_reader_options(engine))
        self._writer = engine.execution_options(writes=True)

    @classmethod
    def open(cls, database_url: str, *, busy_timeout: float = 5.0) -> Self:
        """Return a store for ``sqlite:///path`` or ``postgresql://user:password@host/name``, without a connection yet.

        Args:
            database_url: where the database is.
            busy_timeout: how long a writer waits for another one on SQLite, in seconds.

        Raises:
            StoreError: the URL is malformed, or of another kind of database.
        """
        url = _checked_url(database_url)
        if url.get_backend_name() == "sqlite":
            return cls(_sqlite_engine(url, busy_timeout))
        return cls(_postgresql_engine(url))

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """Open a transaction that sees one state of the database."""
        # autoflush is for ORM objects, and there are none: all statements are on tables.
        with self._translating(), Session(self._reader, autoflush=False) as tx, tx.begin():
            yield tx

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """Open a transaction that is saved as a whole, or not at all if the block raises."""
        with self._translating(), Session(self._writer, autoflush=False) as tx, tx.begin():
            yield tx

    def migrate(self) -> None:
        """Upgrade the tables to this version. Several processes may do so at once.

        Raises:
            StoreError: the tables are of a newer version; they are unchanged.
        """
        with self._changing_schema() as connection:
            schema.upgrade(connection)
        if self.schema_state() == "newer":
            raise StoreError(f"Database {self.url_without_password}: {SCHEMA_PROBLEMS['newer']}.")

    def downgrade(self, revision: str = "base") -> None:
        """Downgrade the tables to a revision. ``base`` deletes everything."""
        with self._changing_schema() as connection:
            schema.downgrade(connection, revision)

    def is_current(self) -> bool:
        """Return whether the tables are those of this version of scmhost."""
        return self.schema_state() == "current"

    def revision(self) -> str:
        """Return the revision of the tables."""
        with self._translating(), self._reader.connect() as connection:
            return schema.revision(connection)

    def schema_state(self) -> schema.SchemaState:
        """Return which version of scmhost the tables are of."""
        with self._translating(), self._reader.connect() as connection:
            return schema.state(connection)

    def check_differences(self) -> list[Any]:
        """Return the differences between the tables and this version's declarations."""
        with self._translating(), self._reader.connect() as connection:
            return schema.differences(connection)

    def ping(self) -> None:
        """Check that the database answers.

        Raises:
            StoreUnreachable: it does not.
        """
        with self.read() as tx:
            tx.execute(text("SELECT 1"))

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    @property
    def file(self) -> Path | None:
        """SQLite's file, or None for a database server."""
        url = self._engine.url
        return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None

    @property
    def url(self) -> URL:
        """The database's URL, with its password."""
        return self._engine.url

    @property
    def url_without_password(self) -> str:
        """The database's URL as an operator writes it, for messages and logs; of a file, with its whole path."""
        url = self._engine.url
        if self.file:
            url = url.set(database=str(self.file.absolute()))
        return url.set(drivername=url.get_backend_name()).render_as_string(hide_password=True)

    @contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            own = translate(error, self.url_without_password)
            if own is None:
                raise
            raise own from error

    @contextmanager
    def _changing_schema(self) -> Iterator[Connection]:
        with (
            self._translating(),
            self._writer.connect() as connection,
            _without_foreign_keys(connection),
            connection.begin(),
        ):
            yield connection


def _checked_url(database_url: str) -> URL:
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


def _reader_options(engine: Engine) -> dict[str, Any]:
    if engine.dialect.name == "sqlite":
        return {"writes": False}
    # PostgreSQL's default shows each statement a newer state; an answer of several statements must be consistent.
    return {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


def _create(url: URL, **options: Any) -> Engine:
    # hide_parameters: error texts are logged, and the values may be commit messages or e-mail addresses.
    return create_engine(url, hide_parameters=True, json_serializer=dump_json, json_deserializer=load_json, **options)


def _postgresql_engine(url: URL) -> Engine:
    # Connections that a failover or a proxy has closed are replaced before a request uses them.
    engine = _create(url, pool_pre_ping=True, pool_size=10, max_overflow=20, pool_recycle=1800)
    # SQLAlchemy uses do_execute for a list of one row.
    event.listen(engine, "do_execute", _copy_one)
    event.listen(engine, "do_executemany", _copy)
    return engine


def _copy_one(cursor: "Cursor[Any]", statement: str, row: tuple[Any, ...], context: ExecutionContext) -> bool:
    return _copy(cursor, statement, [row], context)


def _copy(cursor: "Cursor[Any]", statement: str, rows: Sequence[tuple[Any, ...]], context: ExecutionContext) -> bool:
    """Run a COPY with its rows. The driver has a method of its own for it. Return False for any other statement."""
    if not statement.startswith("COPY "):
        return False
    with cursor.copy(statement.encode()) as copied:
        copied.set_types(context.execution_options[KINDS])
        for row in rows:
            copied.write_row(row)
    return True


def _sqlite_engine(url: URL, busy_timeout: float) -> Engine:
    engine = _create(url, connect_args={"timeout": busy_timeout})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
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


def _begin_sqlite(connection: Connection) -> None:
    writes = bool(connection.get_execution_options().get("writes"))
    connection.exec_driver_sql(_SQLITE_BEGIN[writes])


@contextmanager
def _without_foreign_keys(connection: Connection) -> Iterator[None]:
    """Switch foreign keys off on SQLite, where altering a table drops it and would delete all rows that refer to it."""
    if connection.dialect.name != "sqlite":
        yield
        return
    driver = connection.connection
    driver.cursor().execute("PRAGMA foreign_keys = OFF")
    try:
        yield
    finally:
        driver.cursor().execute("PRAGMA foreign_keys = ON")
