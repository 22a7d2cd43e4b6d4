"""kill -9 of the service and of migrations at random moments: what was acknowledged is there, nothing is half there.

The seed is printed, and may be given again in SCMHOST_RELIABILITY_SEED.
"""

import os
import shutil
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from random import Random, SystemRandom

import pytest

import databases
import factories
from api import open_api
from command import SCMHOST
from hosting import SettableClock
from reliability.figures import FIGURES, LONG
from reliability.invariants import unfinished_work, violations
from reliability.killing import Service
from reliability.own_postgres import OwnPostgres
from scmhost.admin.background import delete_due_repositories, run_due_jobs
from scmhost.commits import bulk_queries
from scmhost.infra.db import schema

SEED = int(os.environ.get("SCMHOST_RELIABILITY_SEED") or SystemRandom().randrange(1_000_000))
KILLS = 24 if LONG else 2
MIGRATIONS = 6
OLD = "0012"


def finish_background_work(folder: Path, url: str) -> list[str]:
    """Run what is due within the next day. Return what is left, which should be nothing."""
    clock = SettableClock()
    clock.time = datetime.now(UTC)
    with open_api(folder, database_url=url, background=False, clock=clock) as api:
        for _ in range(6):
            clock.turn(4 * 3_600)
            run_due_jobs(api.services)
            delete_due_repositories(api.services)
        return unfinished_work(api.services.store)


@pytest.mark.parametrize(
    "kind", ["sqlite", *([pytest.param("postgresql", marks=pytest.mark.postgresql)] if LONG else [])]
)
def test_kills_of_the_service(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """The service is killed while it ingests commits, claims, maps and deletes, with one and with three workers."""
    print(f"SCMHOST_RELIABILITY_SEED={SEED}")  # noqa: T201 - shown when the test fails
    url = databases.sqlite_url(tmp_path, "served.db")
    if kind == "postgresql":
        url = request.getfixturevalue("own_server").url
    random = Random(SEED)  # noqa: S311 - repeatable, not secret
    service = Service(tmp_path, url, SEED)
    service.prepare()
    for number in range(KILLS):
        service.life(3 if LONG and number % 2 else 1, random)
        with databases.opened(url) as store:
            assert violations(store, service.done) == []
    assert service.done.surprises == []
    assert service.done.writes > 0
    work = tmp_path / "work"
    work.mkdir()
    assert finish_background_work(work, url) == []
    seen = f"{service.done.writes:,} acknowledged changes, none lost, none in part"
    FIGURES.add(f"service killed during writes, {kind}, 1 and 3 workers", KILLS, seen)


@pytest.fixture(params=["sqlite", "postgresql"])
def old_database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database with tables of an older version, and some rows."""
    if request.param == "sqlite":
        url = databases.sqlite_url(tmp_path, "old.db")
    else:
        server: OwnPostgres = request.getfixturevalue("own_server")
        url = server.create("old")
    with databases.opened(url) as store:
        store.migrate()
        tenant = factories.new_tenant(store)
        with store.write() as tx:
            drafts = [factories.draft(number) for number in range(1, 200)]
            bulk_queries.save(tx, tenant.id, tenant.repository, drafts, factories.NOW)
        store.downgrade(OLD)
    return url


def copy_of(url: str, number: int, request: pytest.FixtureRequest) -> str:
    """Return the URL of a copy of a database."""
    if url.startswith("sqlite"):
        copied = databases.name_of(url).replace("old.db", f"copy-{number}.db")
        shutil.copy(databases.name_of(url), copied)
        return f"sqlite:///{copied}"
    server: OwnPostgres = request.getfixturevalue("own_server")
    return server.create(f"copy_{number}", template="old")


def migrate(url: str, kill_after: float | None = None) -> float:
    """Run ``scmhost migrate`` in a process, and kill it after so many seconds. Return how long it ran."""
    started = time.monotonic()
    with subprocess.Popen([SCMHOST, "migrate", "--database-url", url], stdout=subprocess.DEVNULL) as process:
        try:
            process.wait(kill_after)
        except subprocess.TimeoutExpired:
            process.kill()
        process.wait()
    return time.monotonic() - started


@pytest.mark.long
def test_killed_migration_is_completed_by_the_next_one(old_database: str, request: pytest.FixtureRequest) -> None:
    """A killed migration has changed nothing, or everything; the next one completes it."""
    random = Random(SEED)  # noqa: S311 - repeatable, not secret
    whole = migrate(copy_of(old_database, 0, request))
    states = []
    for number in range(1, MIGRATIONS + 1):
        url = copy_of(old_database, number, request)
        migrate(url, kill_after=random.uniform(0.4, 1.0) * whole)
        with databases.opened(url) as store:
            states.append(store.schema_state())
            store.migrate()
            with store.read() as tx:
                assert schema.differences(tx.connection()) == []
            assert len(factories.all_rows(store)["commits"]) == 199
    assert set(states) <= {"older", "current"}
    kind = old_database.partition(":")[0]
    seen = (
        f"{states.count('current')} complete, {states.count('older')} without any change; the next one completes them"
    )
    FIGURES.add(f"migration killed, {kind}", MIGRATIONS, seen)
