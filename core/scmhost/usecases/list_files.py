"""List the files that new commits changed: a job, done in the background, soon after the commits are in."""

from typing import Final

from scmhost.store import jobs, known_files
from scmhost.store.values import Job

from .services import Services

# A job is over well before another worker may take it; what is left is a job of its own.
_MOST_PIECES: Final = 20


def list_files(services: Services, job: Job) -> None:
    """List the files of the commits that a job names, some in each transaction. To do so twice changes nothing."""
    repository_id, begin, last = (int(str(job.payload[name])) for name in ("repository", "first", "last"))
    for _ in range(_MOST_PIECES):
        with services.store.write() as tx:
            rest = known_files.take_in(tx, job.organization_id, repository_id, begin, last)
            if rest is None:
                jobs.finish(tx, job)
                return
        begin = rest
    with services.store.write() as tx:
        if jobs.finish(tx, job):
            known_files.order(tx, job.organization_id, repository_id, (begin, last), services.clock.now())
