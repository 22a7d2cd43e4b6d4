"""Fixtures of all tests: a database and a store of each kind."""

import gc
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

import databases

# The sample plugins. The folder of scmhost's own plugins has the same name, and pytest would take it first.
import plugins.scripted  # noqa: F401
from scmhost.infra.db import drivers
from scmhost.infra.db.engine import Store

# A property has no time limit: on a busy machine it would fail by chance.
settings.register_profile("no_deadline", deadline=None)
settings.load_profile("no_deadline")

# Tests that take many seconds, by the end of their path.
LONG_TESTS = (
    "docs/test_plugin_authors.py",
    "docs/test_bulk.py",
    "web/test_in_chromium.py",
    "cli/test_installs.py",
    "clients/test_node.py",
    "http/test_serve.py",
    "cli/test_rolling_upgrade.py",
    "plugins/test_third_party.py",
    "plugins/test_new_plugin.py",
)


def pytest_configure(config: pytest.Config) -> None:
    """Set the width of output, and the folder of the PostgreSQL server that the workers of pytest-xdist share."""
    # Commands wrap their output at the width of the terminal from which the tests are started.
    os.environ["COLUMNS"] = "80"
    if not hasattr(config, "workerinput"):
        folder = databases.new_server_folder()
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    # Collection makes a million objects and almost no garbage. To search them for it takes a third of the time.
    gc.disable()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the long tests: at the end of a run, the other workers would have to wait for one of them."""
    items.sort(key=lambda item: not item.path.as_posix().endswith(LONG_TESTS))


def pytest_collection_finish() -> None:
    """Collect garbage from now on as often as the service does, and not among the modules and tests that stay."""
    gc.freeze()
    gc.set_threshold(20_000)
    gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Run one more test than there are processors: many tests wait for a process, a socket or PostgreSQL."""
    return (os.cpu_count() or 1) + 1


def pytest_report_header() -> str:
    """Name the PostgreSQL server, because results may differ between servers."""
    return databases.describe_server()


@pytest.fixture(scope="session", autouse=True)
def shared_statements() -> Iterator[None]:
    """Compile each statement for SQLite once in a worker."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drivers, "create_engine", databases.create_sharing_engine)
        yield


# Deselected by `make test-quick`, which starts no server.
POSTGRESQL = pytest.param("postgresql", marks=pytest.mark.postgresql)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of this run's PostgreSQL server. Each worker creates databases of its own in it."""
    with databases.postgres_server() as url:
        yield url


@pytest.fixture(scope="session")
def postgres_database(postgres_server: str) -> Iterator[str]:
    """The URL of a worker's PostgreSQL database with up-to-date tables, which its tests use one after the other."""
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


@pytest.fixture(params=["sqlite", POSTGRESQL])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of a fresh database with up-to-date tables, once for each kind."""
    kinds = {"sqlite": "sqlite_url", "postgresql": "postgres_url"}
    url: str = request.getfixturevalue(kinds[request.param])
    return url


@pytest.fixture(params=["sqlite", POSTGRESQL])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without tables, once for each kind."""
    if request.param == "sqlite":
        yield databases.sqlite_url(tmp_path)
        return
    with databases.new_database(request.getfixturevalue("postgres_server")) as url:
        yield url


@pytest.fixture(scope="session")
def postgres_store(postgres_database: str) -> Iterator[Store]:
    """A worker's store in PostgreSQL, with the connections and compiled statements that its tests share."""
    with databases.opened(postgres_database) as store:
        yield store


@pytest.fixture
def store(request: pytest.FixtureRequest, database_url: str) -> Iterator[Store]:
    """A store with up-to-date tables and no rows, once for each kind of database."""
    if database_url.startswith("postgresql"):
        shared: Store = request.getfixturevalue("postgres_store")
        # Each test has caches of its own.
        yield Store(shared._engine, shared._database)
        return
    with databases.opened(database_url) as store:
        yield store


@pytest.fixture
def sqlite_store(sqlite_url: str) -> Iterator[Store]:
    """A store in an SQLite file."""
    with databases.opened(sqlite_url) as store:
        yield store
