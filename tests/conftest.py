"""What all tests share: one store for each kind of database."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

import databases
from scmhost.infra.db.engine import Store

# Laws are checked without a clock: a busy machine breaks none.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


def pytest_report_header() -> str:
    """Name the PostgreSQL server, because a law that holds on one may fail on another."""
    return databases.describe_server()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of the PostgreSQL server of this run."""
    with databases.postgres_server() as url:
        yield url


@pytest.fixture(scope="session")
def postgres_database(postgres_server: str) -> Iterator[str]:
    """The URL of a PostgreSQL database with up-to-date tables, which tests use one after the other."""
    with databases.new_database(postgres_server) as url:
        yield databases.migrated(url)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with up-to-date tables, to be copied."""
    url = databases.sqlite_url(tmp_path_factory.mktemp("sqlite"))
    return Path(databases.name_of(databases.migrated(url)))


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The URL of a fresh SQLite database with up-to-date tables."""
    url = databases.sqlite_url(tmp_path)
    shutil.copy(sqlite_template, databases.name_of(url))
    return url


@pytest.fixture
def postgres_url(postgres_database: str) -> str:
    """The URL of a PostgreSQL database with up-to-date tables and no rows."""
    return databases.emptied(postgres_database)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of a fresh database with up-to-date tables, once for each kind."""
    kinds = {"sqlite": "sqlite_url", "postgresql": "postgres_url"}
    url: str = request.getfixturevalue(kinds[request.param])
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without tables, once for each kind."""
    if request.param == "sqlite":
        yield databases.sqlite_url(tmp_path)
        return
    with databases.new_database(request.getfixturevalue("postgres_server")) as url:
        yield url


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """A store with up-to-date tables and no rows, once for each kind of database."""
    with databases.opened(database_url) as store:
        yield store


@pytest.fixture
def sqlite_store(sqlite_url: str) -> Iterator[Store]:
    """A store in an SQLite file, for what only SQLite does."""
    with databases.opened(sqlite_url) as store:
        yield store
