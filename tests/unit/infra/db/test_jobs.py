"""Jobs: taken by one worker, and by another when that one does not come back."""

from datetime import timedelta

import factories
from scmhost.infra.db import jobs
from scmhost.infra.db.engine import Store
from scmhost.infra.db.jobs import Job

MINUTE = timedelta(minutes=1)
NOW = factories.NOW


def put(store: Store, organization: int, key: str = "a", *, due_at: timedelta = timedelta()) -> None:
    with store.write() as tx:
        jobs.put(tx, organization, "work", key, {"key": key}, NOW + due_at)


def lease(store: Store, at: timedelta = timedelta()) -> Job | None:
    """What a worker gets that asks at a time, for a minute."""
    with store.write() as tx:
        return jobs.lease(tx, NOW + at, NOW + at + MINUTE)


def known(store: Store, organization: int) -> list[Job]:
    with store.read() as tx:
        return list(jobs.beginning_with(tx, organization, "work", ""))


def test_a_job_is_taken_once(store: Store) -> None:
    """Of workers who ask at once each gets a job of its own, and the rest get none."""
    organization = factories.new_organization(store)
    for key in "abc":
        put(store, organization, key)
    taken = factories.at_once(8, lambda _: lease(store))
    assert sorted(job.key for job in taken if job) == ["a", "b", "c"]


def test_the_oldest_due_job_comes_first(store: Store) -> None:
    """What is due for longest is done first; what is not due yet waits, and nobody looks for it in vain."""
    organization = factories.new_organization(store)
    put(store, organization, "later", due_at=MINUTE)
    put(store, organization, "late", due_at=-MINUTE)
    put(store, organization, "now")
    assert [job.key for job in (lease(store), lease(store)) if job] == ["late", "now"]
    assert lease(store) is None
    with store.read() as tx:
        assert [jobs.is_due(tx, NOW + at) for at in (-2 * MINUTE, MINUTE)] == [False, True]


def test_a_lost_job_is_taken_again(store: Store) -> None:
    """A worker that dies keeps its job no longer than it was promised."""
    put(store, factories.new_organization(store))
    first = lease(store)
    assert lease(store, MINUTE / 2) is None
    second = lease(store, MINUTE)
    assert first is not None
    assert second is not None
    assert (second.id, first.attempts, second.attempts) == (first.id, 1, 2)


def test_a_finished_job_is_gone(store: Store) -> None:
    """Finishing a job a second time, or one whose place another took, says so."""
    organization = factories.new_organization(store)
    put(store, organization)
    job = lease(store)
    assert job is not None
    put(store, organization)
    with store.write() as tx:
        assert not jobs.finish(tx, job)
    newer = lease(store)
    assert newer is not None
    with store.write() as tx:
        assert [jobs.finish(tx, newer), jobs.finish(tx, newer)] == [True, False]
    assert known(store, organization) == []


def test_a_job_is_put_off_or_given_up(store: Store) -> None:
    """A job that is put off is taken at its new time; one that is given up stays, and says why, until put anew."""
    organization = factories.new_organization(store)
    put(store, organization)
    job = lease(store)
    assert job is not None
    with store.write() as tx:
        jobs.retry(tx, job, NOW + 5 * MINUTE, "no answer")
    assert lease(store, 4 * MINUTE) is None
    again = lease(store, 5 * MINUTE)
    assert again is not None
    assert (again.attempts, again.fault, again.failed) == (2, "no answer", False)
    with store.write() as tx:
        jobs.fail(tx, again, "no answer at all")
    assert lease(store, 60 * MINUTE) is None
    assert [(job.failed, job.fault) for job in known(store, organization)] == [(True, "no answer at all")]
    put(store, organization)
    assert [(job.failed, job.fault, job.attempts) for job in known(store, organization)] == [(False, None, 0)]


def test_jobs_are_found_by_the_beginning_of_their_key(store: Store) -> None:
    """A key's beginning is taken to the letter."""
    organization = factories.new_organization(store)
    for key in ("1:2", "1:3", "11:2", "1%"):
        put(store, organization, key)
    with store.read() as tx:
        found = [jobs.beginning_with(tx, organization, "work", start) for start in ("1:", "1%", "_")]
    assert [[job.key for job in jobs_] for jobs_ in found] == [["1:2", "1:3"], ["1%"], []]
