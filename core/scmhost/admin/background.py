"""Background work of the service: due jobs and due deletions."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final

import structlog

from scmhost.infra.db import jobs
from scmhost.infra.db.jobs import Job
from scmhost.infra.errors import ScmhostError
from scmhost.releases import content_queries
from scmhost.releases.content import FETCH_COMMITS
from scmhost.releases.fetch import fetch_commits
from scmhost.repositories import file_queries
from scmhost.repositories import queries as repository_queries
from scmhost.repositories.files import list_files
from scmhost.sdk import ProviderError
from scmhost.services import Services

log = structlog.get_logger(__name__)

MOST_ATTEMPTS: Final = 5
RETRY_AFTER: Final = timedelta(minutes=5)
"""Both numbers are Sentry's."""

OVERDUE_AFTER: Final = timedelta(minutes=5)
"""Workers look every second: a job that is due for so long is one that nobody takes."""

_MOST_FAULT: Final = 500
_WORK: Final[Mapping[str, Callable[[Services, Job], None]]] = {
    FETCH_COMMITS: fetch_commits,
    file_queries.KIND: list_files,
}


def run_due_jobs(services: Services) -> int:
    """Do one job after the other until none is due; gives how many there were."""
    count = 0
    while job := _take(services):
        _run(services, job)
        count += 1
    return count


def count_jobs(services: Services) -> dict[str, int]:
    """How many jobs of all organizations wait for their time, are overdue, or were given up."""
    now = services.clock.now()
    with services.store.read() as tx:
        return jobs.count_by_state(tx, now, now - OVERDUE_AFTER)


def _take(services: Services) -> Job | None:
    now = services.clock.now()
    with services.store.read() as tx:
        if not jobs.is_due(tx, now):
            return None
    with services.store.write() as tx:
        return jobs.lease(tx, now, now + timedelta(seconds=services.limits.job_seconds))


def _run(services: Services, job: Job) -> None:
    if job.attempts > MOST_ATTEMPTS:
        _put_off(services, job, "its worker did not come back from the last attempt")
        return
    with services.telemetry.act("job", job=job.kind) as act:
        try:
            _WORK[job.kind](services, job)
            log.info("job done", kind=job.kind, key=job.key, organization=job.organization_id, attempts=job.attempts)
        except (ScmhostError, ProviderError) as error:
            act.end("failed", fault=True)
            _put_off(services, job, str(error).replace("\0", " ")[:_MOST_FAULT])


def _put_off(services: Services, job: Job, fault: str) -> None:
    """Let it be tried again later, or give it up after the last attempt."""
    last = job.attempts >= MOST_ATTEMPTS
    log.warning("job failed" if last else "job postponed", kind=job.kind, key=job.key, fault=fault)
    with services.store.write() as tx:
        if last:
            jobs.fail(tx, job, fault)
        else:
            jobs.retry(tx, job, services.clock.now() + RETRY_AFTER, fault)


def delete_due_repositories(services: Services) -> int:
    """Delete due repositories with their commits, each in a transaction of its own. Return how many were deleted."""
    with services.store.read() as tx:
        due = repository_queries.due_for_deletion(tx, services.clock.now())
    return sum(_delete(services, repository.organization_id, repository.id) for repository in due)


def _delete(services: Services, organization_id: int, repository_id: int) -> bool:
    with services.store.write() as tx:
        # Since the list was read, the deletion may have been cancelled, or another worker may have done it.
        if not repository_queries.is_due(tx, organization_id, repository_id, services.clock.now()):
            return False
        return content_queries.delete_repository(tx, organization_id, repository_id)
