"""Background work of the service: due jobs, due deletions, and upgrades of configurations."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog

from scmhost.commits.complete import COMPLETE_PUSH, complete_push
from scmhost.infra.db import jobs
from scmhost.infra.db.drivers import long_statements
from scmhost.infra.db.jobs import QueuedJob
from scmhost.infra.errors import Unavailable
from scmhost.infra.loops import Loop
from scmhost.installations.install_steps import forget_expired
from scmhost.installations.upgrade import upgrade_when_due
from scmhost.installations.webhooks import REGISTER_WEBHOOKS
from scmhost.links.missing import save_missing
from scmhost.links.sharing import delete_expired_traces
from scmhost.organizations.quotas import refresh_row_counts
from scmhost.organizations.tokens import save_token_uses
from scmhost.plugins.isolation.circuit_breaker import seconds_of
from scmhost.plugins.isolation.faults import exception_text
from scmhost.releases import content_queries
from scmhost.releases.fetch import FETCH_COMMITS, fetch_commits
from scmhost.repositories import file_index_queries, file_queries
from scmhost.repositories import queries as repository_queries
from scmhost.repositories.sync import SYNC_REPOSITORIES, schedule_syncs, sync_repositories
from scmhost.repositories.webhooks import SYNC_WEBHOOK, register_webhooks, sync_webhook
from scmhost.sdk import Repository
from scmhost.services import Services

from . import queries as admin_queries
from .queries import TenantRow
from .removal import REMOVE_ORGANIZATION, REMOVE_PROJECT, run_organization_removal, run_project_removal

log = structlog.get_logger(__name__)

# Deletions are not urgent: most are due an hour after the request.
HOUSEKEEPING_SECONDS: Final = 60.0
JOBS_SECONDS: Final = 1.0

FIRST_PAUSE: Final = timedelta(minutes=1)
"""The pause after the first failed attempt at a job; it doubles with each further one."""
LONGEST_PAUSE: Final = timedelta(hours=4)
MAX_ATTEMPTS: Final = 14
"""With these pauses a job is tried for more than a day: a code host may be down that long."""
MOST_CRASHES: Final = 2
"""How many workers in a row may end during the first attempts at a job before it is postponed."""
RETRY_DELETION: Final = timedelta(minutes=5)

OVERDUE_AFTER: Final = timedelta(minutes=5)
"""Workers query for jobs every second: no worker runs when a job is due for this long."""

_MAX_FAULT_LENGTH: Final = 500

Handler = Callable[[Services, QueuedJob], None]

_HANDLERS: Final[Mapping[str, Handler]] = {
    FETCH_COMMITS: fetch_commits,
    SYNC_REPOSITORIES: sync_repositories,
    COMPLETE_PUSH: complete_push,
    REGISTER_WEBHOOKS: register_webhooks,
    SYNC_WEBHOOK: sync_webhook,
    file_queries.INDEX_FILES: file_index_queries.index_files,
    REMOVE_PROJECT: run_project_removal,
    REMOVE_ORGANIZATION: run_organization_removal,
}


def background_loops(services: Services) -> list[Loop]:
    """Return the loops that every worker of the service runs. Any worker may take a job or a deletion."""

    def run_jobs(_woken: bool) -> bool:  # noqa: FBT001 - the signature of a loop's round
        _unless_unavailable(
            "jobs postponed", lambda: run_due_jobs(services, beat=jobs_loop.beat, stop=jobs_loop.is_ending)
        )
        return False

    def keep_house(_woken: bool) -> bool:  # noqa: FBT001
        works = (
            check_store,
            delete_due_repositories,
            forget_expired,
            delete_expired_traces,
            schedule_syncs,
            save_token_uses,
            save_missing,
            upgrade_when_due,
            # Last: a count of very many rows may exceed the time of a statement, which ends the round.
            refresh_row_counts,
        )
        _unless_unavailable("housekeeping postponed", lambda: _do_each(services, works))
        return False

    telemetry = services.telemetry
    # A round reports progress only between jobs, so it is not stuck while its slowest job runs.
    patience = services.limits.job_seconds + 60.0
    jobs_loop = Loop("jobs", run_jobs, seconds=JOBS_SECONDS, stuck_after=patience, telemetry=telemetry)
    return [jobs_loop, Loop("housekeeping", keep_house, seconds=HOUSEKEEPING_SECONDS, telemetry=telemetry)]


def check_store(services: Services) -> None:
    """Check the database as a whole, so that damage is noticed though no request reads the damaged part."""
    services.store.check()


def _do_each(services: Services, works: Iterable[Callable[[Services], object]]) -> None:
    """Do each piece of work. One that fails does not keep the others from being done.

    Raises:
        Unavailable: the database is down; the rest is for the next round.
        Exception: the first error, after all are done, so that the loop logs and counts it; its notes have the others.
    """
    first: Exception | None = None
    for work in works:
        try:
            work(services)
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - one bad row must not keep the other works from being done
            if first:
                first.add_note(f"{work.__name__} failed, too: {exception_text(error)[:_MAX_FAULT_LENGTH]}")
            first = first or error
    if first:
        raise first


def _unless_unavailable(event: str, work: Callable[[], object]) -> None:
    """Do the work, or log one line without a traceback if the database is down, which ``/readyz`` reports."""
    try:
        with long_statements():
            work()
    except Unavailable as error:
        log.warning(event, error=str(error))


def run_due_jobs(
    services: Services, *, beat: Callable[[], None] = lambda: None, stop: Callable[[], bool] = lambda: False
) -> int:
    """Run jobs until none is due, or ``stop`` returns true. ``beat`` is called after each. Return how many ran."""
    count = 0
    while not stop() and (job := _take(services)):
        _run(services, job)
        count += 1
        beat()
    return count


def count_jobs(services: Services) -> dict[str, int]:
    """Count the jobs of all organizations that are waiting, overdue, or failed for good."""
    now = services.clock.now()
    with services.store.read() as tx:
        return jobs.count_by_state(tx, now, now - OVERDUE_AFTER)


@dataclass(frozen=True, slots=True)
class JobsOverview:
    """The jobs of all organizations: their number by state, and those that need a look, up to a limit."""

    counts: Mapping[str, int]
    failed: Sequence[TenantRow]
    overdue: Sequence[TenantRow]
    waiting: Sequence[TenantRow]


def jobs_overview(services: Services, limit: int) -> JobsOverview:
    """Return the jobs of all organizations; of each state the first ones, up to a limit."""
    now = services.clock.now()
    with services.store.read() as tx:
        counts = jobs.count_by_state(tx, now, now - OVERDUE_AFTER)
        failed = admin_queries.failed_jobs(tx, limit)
        overdue = admin_queries.overdue_jobs(tx, now, now - OVERDUE_AFTER, limit)
        waiting = admin_queries.waiting_jobs(tx, now - OVERDUE_AFTER, limit)
    return JobsOverview(counts, failed, overdue, waiting)


def _take(services: Services) -> QueuedJob | None:
    now = services.clock.now()
    with services.store.read() as tx:
        # Most rounds find nothing. A read does not take the writer's lock of SQLite once a second and worker.
        if not jobs.is_due(tx, now):
            return None
    with services.store.write() as tx:
        # If the worker dies, the lease ends, and another worker takes the job.
        return jobs.lease(tx, now, now + timedelta(seconds=services.limits.job_seconds))


def _run(services: Services, job: QueuedJob) -> None:
    # One worker may have been restarted; a job that kills workers, by using up the memory for example, must not do so
    # again and again.
    if job.abandoned and job.attempts > MOST_CRASHES:
        _postpone(services, job, "its worker ended during the last attempt")
        return
    handler = _HANDLERS.get(job.kind)
    if handler is None:
        # A newer version may have added the job during a rolling upgrade, and one of its workers may take it.
        _postpone(services, job, f"this version of scmhost has no job of the kind {job.kind!r}")
        return
    with services.telemetry.operation("job", job=job.kind) as operation:
        try:
            handler(services, job)
            log.info("job done", kind=job.kind, key=job.key, organization=job.organization_id, attempts=job.attempts)
        except Exception as error:  # noqa: BLE001 - one bad job must not keep the others from running
            operation.end("failed", fault=True)
            # A plugin may have built the exception, so nothing in its text is trusted.
            _postpone(services, job, exception_text(error)[:_MAX_FAULT_LENGTH], wait=seconds_of(error))


def _postpone(services: Services, job: QueuedJob, fault: str, *, wait: int | None = None) -> None:
    """Schedule a job's next attempt, or mark it as failed after the last one.

    ``wait``: the seconds for which its code host asked to be left alone. Such an attempt does not count.
    """
    last = wait is None and job.attempts >= MAX_ATTEMPTS
    log.warning("job failed" if last else "job postponed", kind=job.kind, key=job.key, fault=fault)
    with services.store.write() as tx:
        if last:
            jobs.fail(tx, job, fault)
        elif wait is not None:
            jobs.retry(tx, job, services.clock.now() + timedelta(seconds=wait), fault, counts=False)
        else:
            jobs.retry(tx, job, services.clock.now() + pause_after(job.attempts), fault)


def pause_after(attempts: int) -> timedelta:
    """Return the pause after so many failed attempts, at least one."""
    # The exponent is bounded, because 2**attempts of a broken row could be any number.
    doublings: int = min(attempts - 1, 10)
    return min(FIRST_PAUSE * (1 << doublings), LONGEST_PAUSE)


def delete_due_repositories(services: Services) -> int:
    """Delete due repositories with their commits, each in a transaction of its own. Return how many were deleted.

    A deletion that fails is postponed, so that it delays no other.
    """
    with services.store.read() as tx:
        due = repository_queries.due_for_deletion(tx, services.clock.now())
    deleted = failed = 0
    for repository in due:
        try:
            deleted += _delete(services, repository.organization_id, repository.id)
        except Exception as error:  # noqa: BLE001 - one bad repository must not keep the others from being deleted
            failed += 1
            _postpone_deletion(services, repository, exception_text(error)[:_MAX_FAULT_LENGTH])
    if failed:
        log.warning("deletions postponed", deleted=deleted, failed=failed)
    return deleted


def _postpone_deletion(services: Services, repository: Repository, fault: str) -> None:
    log.error("repository not deleted", organization=repository.organization_id, repository=repository.id, fault=fault)
    # A round reads the longest overdue first, up to a limit. Without a new time, enough bad ones would fill it forever.
    # If the database is down, this raises too and ends the round.
    with services.store.write() as tx:
        later = services.clock.now() + RETRY_DELETION
        repository_queries.postpone_deletion(tx, repository.organization_id, repository.id, later)


def _delete(services: Services, organization_id: int, repository_id: int) -> bool:
    with services.store.write() as tx:
        # Since the list was read, the deletion may have been cancelled, or done by another worker.
        if not repository_queries.is_due(tx, organization_id, repository_id, services.clock.now()):
            return False
        return content_queries.delete_repository(tx, organization_id, repository_id)
