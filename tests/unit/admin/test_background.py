"""Background work: due jobs, and repositories whose deletion is due."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from structlog.testing import capture_logs

import factories
from api import open_api
from scmhost.admin import background
from scmhost.admin.background import (
    FIRST_PAUSE,
    LONGEST_PAUSE,
    MAX_ATTEMPTS,
    OVERDUE_AFTER,
    RETRY_DELETION,
    background_loops,
    count_jobs,
    delete_due_repositories,
    pause_after,
    run_due_jobs,
)
from scmhost.infra.db import jobs
from scmhost.infra.db.engine import Transaction
from scmhost.infra.db.errors import StoreBusy, StoreError
from scmhost.infra.db.jobs import QueuedJob
from scmhost.infra.errors import Unavailable
from scmhost.organizations.create import create_organization
from scmhost.releases import content_queries
from scmhost.repositories import queries as repository_queries
from scmhost.repositories.tables import REPOSITORIES
from scmhost.services import Services


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    with open_api(tmp_path, background=False) as api:
        yield api.services


@pytest.fixture
def organization_id(services: Services) -> int:
    return create_organization(services, "rival").id


@dataclass(frozen=True)
class Later:
    """A clock that is ahead by some time."""

    clock: Any
    by: timedelta

    def now(self) -> Any:
        return self.clock.now() + self.by


def later(services: Services, by: timedelta) -> Services:
    return replace(services, clock=Later(services.clock, by))


def put(services: Services, organization_id: int, kind: str, key: str) -> None:
    with services.store.write() as tx:
        jobs.put(tx, organization_id, kind, key, {}, services.clock.now() - timedelta(seconds=1))


def stored(services: Services, organization_id: int, kind: str) -> list[QueuedJob]:
    with services.store.read() as tx:
        return list(jobs.with_key_prefix(tx, organization_id, kind, ""))


def test_unknown_kind_and_raising_job_are_postponed_and_the_rest_runs(services: Services, organization_id: int) -> None:
    """A job of an unknown kind, and one whose handler raises, are tried again later; neither ends the run."""
    put(services, organization_id, "from_the_future", "1")
    # Its payload is empty: the handler raises a KeyError.
    put(services, organization_id, "fetch_commits", "2")
    assert run_due_jobs(services) == 2
    [unknown] = stored(services, organization_id, "from_the_future")
    [raising] = stored(services, organization_id, "fetch_commits")
    assert unknown.attempts == raising.attempts == 1
    assert "no job of the kind 'from_the_future'" in (unknown.fault or "")
    assert "release" in (raising.fault or "")
    assert not unknown.failed


def test_progress_is_reported_after_every_job(services: Services, organization_id: int) -> None:
    """A worker with many jobs does not count as stuck."""
    beats: list[None] = []
    for key in "123":
        put(services, organization_id, "unknown", key)
    run_due_jobs(services, beat=lambda: beats.append(None))
    assert len(beats) == 3


def test_worker_that_ends_takes_no_further_job(services: Services, organization_id: int) -> None:
    """The process ends after the job that runs, however many are due."""
    done: list[None] = []
    for key in "123":
        put(services, organization_id, "unknown", key)
    assert run_due_jobs(services, beat=lambda: done.append(None), stop=lambda: len(done) == 2) == 2
    assert run_due_jobs(services) == 1


def test_job_fails_after_its_last_attempt(services: Services, organization_id: int) -> None:
    """Between two attempts there is a pause; after the last one the job stays as failed, with its last fault."""
    put(services, organization_id, "unknown", "1")
    for attempt in range(MAX_ATTEMPTS):
        now = later(services, attempt * LONGEST_PAUSE)
        assert (run_due_jobs(now), run_due_jobs(now)) == (1, 0)
    [job] = stored(services, organization_id, "unknown")
    assert (job.failed, job.attempts) == (True, MAX_ATTEMPTS)
    assert run_due_jobs(later(services, timedelta(days=9))) == 0
    assert count_jobs(services)["failed"] == 1


def test_job_of_a_worker_that_ended_is_not_tried_forever(services: Services, organization_id: int) -> None:
    """A job that ended two processes is postponed instead of run, and fails after the last attempt."""
    put(services, organization_id, "fetch_commits", "1")
    lease = timedelta(seconds=services.limits.job_seconds)
    rounds = range(MAX_ATTEMPTS // 2)
    for number in rounds:
        now = later(services, number * 2 * LONGEST_PAUSE).clock.now()
        with services.store.write() as tx:
            assert jobs.lease(tx, now, now + lease) is not None
            if number == 0:
                assert jobs.lease(tx, now + lease, now + lease) is not None
        assert run_due_jobs(later(services, number * 2 * LONGEST_PAUSE + lease)) == 1
        if number == 0:
            assert (
                stored(services, organization_id, "fetch_commits")[0].fault
                == "its worker ended during the last attempt"
            )
    [job] = stored(services, organization_id, "fetch_commits")
    assert (job.failed, job.fault) == (True, "its worker ended during the last attempt")


def test_pauses_grow_and_last_for_more_than_a_day() -> None:
    """A code host that is down for a day costs no commits."""
    pauses = [pause_after(attempt) for attempt in range(1, MAX_ATTEMPTS)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1], pause_after(1_000_000)) == (FIRST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE)
    assert timedelta(days=1) < sum(pauses, timedelta()) < timedelta(days=2)


def test_jobs_are_counted_by_state(services: Services, organization_id: int) -> None:
    """A job that has been due for minutes is overdue: no worker runs."""
    put(services, organization_id, "unknown", "1")
    assert count_jobs(services) == {"waiting": 1, "overdue": 0, "failed": 0}
    assert count_jobs(later(services, OVERDUE_AFTER))["overdue"] == 1


def change(services: Services, repository: int, **values: Any) -> None:
    with services.store.write() as tx:
        tx.execute(update(REPOSITORIES).where(REPOSITORIES.c.id == repository).values(values))


def due_repository(services: Services, organization_id: int, name: str, *, status: str = "pending_deletion") -> int:
    repository = factories.new_repository(services.store, organization_id, name, url=f"https://x.example/{name}")
    change(services, repository, status=status, delete_after=services.clock.now() - timedelta(seconds=1))
    return repository


def repositories(services: Services) -> list[int]:
    with services.store.read() as tx:
        return list(tx.execute(select(REPOSITORIES.c.id).order_by(REPOSITORIES.c.id)).scalars())


def test_due_repositories_are_deleted(services: Services, organization_id: int) -> None:
    """Those of all organizations whose time has come; a hidden one and a later one stay."""
    others = create_organization(services, "third").id
    due = [due_repository(services, organization_id, "a"), due_repository(services, others, "b")]
    hidden = due_repository(services, organization_id, "c", status="hidden")
    assert delete_due_repositories(services) == len(due)
    assert delete_due_repositories(services) == 0
    assert repositories(services) == [hidden]


def test_deletion_that_was_cancelled_meanwhile_is_not_done(
    services: Services, organization_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the list and its own transaction a deletion may be cancelled."""
    repository = due_repository(services, organization_id, "a")
    original = repository_queries.due_for_deletion

    def cancelled(*arguments: Any) -> Any:
        due = original(*arguments)
        change(services, repository, status="active", delete_after=None)
        return due

    monkeypatch.setattr(repository_queries, "due_for_deletion", cancelled)
    assert delete_due_repositories(services) == 0
    assert repositories(services) == [repository]


def test_each_deletion_has_a_transaction_of_its_own(
    services: Services, organization_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other writers get their turn between two deletions, each of which may take long."""
    for name in "abc":
        due_repository(services, organization_id, name)
    used: list[Transaction] = []
    original = content_queries.delete_repository

    def delete(tx: Transaction, organization: int, repository: int) -> bool:
        used.append(tx)
        return original(tx, organization, repository)

    monkeypatch.setattr(content_queries, "delete_repository", delete)
    assert delete_due_repositories(services) == 3
    assert len({id(tx) for tx in used}) == 3


@pytest.mark.parametrize("error", [RuntimeError("bad row"), StoreBusy("locked")], ids=repr)
def test_deletion_that_fails_delays_no_other(
    services: Services, organization_id: int, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """It is logged and postponed, the others are done, and a later round tries it again."""
    bad, good = (due_repository(services, organization_id, name) for name in ("bad", "good"))
    original = content_queries.delete_repository

    def delete(tx: Transaction, organization: int, repository: int) -> bool:
        if repository == bad:
            raise error
        return original(tx, organization, repository)

    monkeypatch.setattr(content_queries, "delete_repository", delete)
    with capture_logs() as logs:
        assert delete_due_repositories(services) == 1
    assert [line["event"] for line in logs] == ["repository not deleted", "deletions postponed"]
    assert (logs[0]["repository"], logs[1]["failed"], str(error) in logs[0]["fault"]) == (bad, 1, True)
    assert repositories(services) == [bad]
    monkeypatch.undo()
    assert delete_due_repositories(services) == 0
    assert delete_due_repositories(later(services, RETRY_DELETION)) == 1
    assert good not in repositories(services)


def test_database_that_fails_ends_the_round_of_deletions(
    services: Services, organization_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When a deletion cannot be postponed either, the other repositories wait for the next round."""
    due = [due_repository(services, organization_id, name) for name in ("a", "b")]

    def away() -> Any:
        raise Unavailable("the database is down")

    monkeypatch.setattr(services.store, "write", away, raising=False)
    with pytest.raises(Unavailable):
        delete_due_repositories(services)
    assert repositories(services) == due


@pytest.mark.parametrize(
    ("error", "events"),
    [
        (Unavailable("the database is down"), ["jobs postponed", "housekeeping postponed"]),
        (StoreError("no such table"), ["loop failed", "loop failed"]),
    ],
    ids=repr,
)
def test_rounds_survive_every_error(
    services: Services, monkeypatch: pytest.MonkeyPatch, error: Exception, events: list[str]
) -> None:
    """A database that is down is one line; any other error is logged as a failure of the loop, which continues."""

    def away() -> Any:
        raise error

    monkeypatch.setattr(services.store, "read", away, raising=False)
    with capture_logs() as logs:
        for loop in background_loops(services):
            loop.round(woken=False)
    assert [line["event"] for line in logs] == events


def test_housekeeping_that_fails_keeps_no_other_work_from_being_done(
    services: Services, organization_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bad row of one kind delays no deletion and no sync; the loop logs one failure, with every error in it."""

    def check_store(_services: Services) -> None:
        raise RuntimeError("a bad row")

    def save_missing(_services: Services) -> None:
        raise ValueError("another one")

    monkeypatch.setattr(background, "check_store", check_store)
    monkeypatch.setattr(background, "save_missing", save_missing)
    due_repository(services, organization_id, "a")
    [housekeeping] = [loop for loop in background_loops(services) if loop.name == "housekeeping"]
    with capture_logs() as logs:
        housekeeping.round(woken=False)
    assert repositories(services) == []
    [line] = [line for line in logs if line["event"] == "loop failed"]
    assert str(line["exc_info"]) == "a bad row"
    assert line["exc_info"].__notes__ == ["save_missing failed, too: ValueError: another one"]


def test_each_known_kind_of_job_has_a_handler() -> None:
    """Other rooms put jobs of these kinds."""
    kinds = [
        "complete_push",
        "fetch_commits",
        "list_files",
        "register_webhooks",
        "remove_organization",
        "remove_project",
        "sync_repositories",
        "sync_webhook",
    ]
    assert sorted(background._HANDLERS) == kinds
