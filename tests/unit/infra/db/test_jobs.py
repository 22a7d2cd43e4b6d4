"""Jobs are leased by one worker at a time, and by another one when the lease ends."""

from datetime import timedelta

import factories
from scmhost.infra.db import jobs
from scmhost.infra.db.engine import Store
from scmhost.infra.db.jobs import QueuedJob

MINUTE = timedelta(minutes=1)
NOW = factories.NOW


def put(store: Store, organization: int, key: str = "a", *, due_at: timedelta = timedelta()) -> None:
    with store.write() as tx:
        jobs.put(tx, organization, "work", key, {"key": key}, NOW + due_at)


def lease(store: Store, at: timedelta = timedelta()) -> QueuedJob | None:
    """Lease a job for a minute, at a time after the start."""
    with store.write() as tx:
        return jobs.lease(tx, NOW + at, NOW + at + MINUTE)


def known(store: Store, organization: int) -> list[QueuedJob]:
    with store.read() as tx:
        return list(jobs.with_key_prefix(tx, organization, "work", ""))


def test_a_job_is_leased_once(store: Store) -> None:
    """Workers that lease at once get different jobs; the other workers get none."""
    organization = factories.new_organization(store)
    for key in "abc":
        put(store, organization, key)
    taken = factories.at_once(8, lambda _: lease(store))
    assert sorted(job.key for job in taken if job) == ["a", "b", "c"]


def test_the_oldest_due_job_comes_first(store: Store) -> None:
    """The job that has been due for longest is leased first; a job that is not due yet is not leased."""
    organization = factories.new_organization(store)
    put(store, organization, "later", due_at=MINUTE)
    put(store, organization, "late", due_at=-MINUTE)
    put(store, organization, "now")
    assert [job.key for job in (lease(store), lease(store)) if job] == ["late", "now"]
    assert lease(store) is None
    with store.read() as tx:
        assert [jobs.is_due(tx, NOW + at) for at in (-2 * MINUTE, MINUTE)] == [False, True]


def test_job_of_a_dead_worker_is_leased_again(store: Store) -> None:
    """When the lease of a worker that died ends, another worker gets the job."""
    put(store, factories.new_organization(store))
    first = lease(store)
    assert lease(store, MINUTE / 2) is None
    second = lease(store, MINUTE)
    assert first is not None
    assert second is not None
    assert (second.id, first.attempts, second.attempts) == (first.id, 1, 2)


def test_a_finished_job_is_deleted(store: Store) -> None:
    """Finishing a job twice, or a job that was replaced, returns False."""
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


def test_a_job_is_retried_or_fails_for_good(store: Store) -> None:
    """A retried job is due at its new time; a failed one is kept with its error until it is saved again."""
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


def test_jobs_are_found_by_a_prefix_of_their_key(store: Store) -> None:
    """The prefix is literal: wildcards of SQL have no meaning in it."""
    organization = factories.new_organization(store)
    for key in ("1:2", "1:3", "11:2", "1%"):
        put(store, organization, key)
    with store.read() as tx:
        found = [jobs.with_key_prefix(tx, organization, "work", start) for start in ("1:", "1%", "_")]
    assert [[job.key for job in jobs_] for jobs_ in found] == [["1:2", "1:3"], ["1%"], []]
