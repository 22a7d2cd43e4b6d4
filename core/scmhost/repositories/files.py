"""List the files that new commits changed: a job, done in the background, or at once for whoever asks for files."""

from typing import Final

import structlog

from scmhost.infra.db.jobs import Job
from scmhost.infra.errors import Unavailable
from scmhost.sdk import Organization
from scmhost.services import Services

from . import file_queries

log = structlog.get_logger(__name__)

# A job is over well before another worker may take it; what is left is ordered anew.
_MOST_PIECES: Final = 20
# Whoever asks for links waits for no more than this; the rest is listed in the background.
_MOST_AT_ONCE: Final = 2


def list_files(services: Services, job: Job) -> None:
    """List the files of the repository that a job names. To do so twice changes nothing."""
    _carry_out(services, job.organization_id, file_queries.repository_of(job), _MOST_PIECES)


def list_files_now(services: Services, organization: Organization) -> None:
    """List what is ordered for an organization, as far as it can be done at once."""
    with services.store.read() as tx:
        waiting = dict.fromkeys(file_queries.repository_of(job) for job in file_queries.ordered(tx, organization.id))
    try:
        for repository_id in list(waiting)[:_MOST_AT_ONCE]:
            _carry_out(services, organization.id, repository_id, _MOST_AT_ONCE)
    except Unavailable as error:
        log.info("files not listed yet", organization=organization.id, error=str(error))


def _carry_out(services: Services, organization_id: int, repository_id: int, pieces: int) -> None:
    for _ in range(pieces):
        with services.store.write() as tx:
            if not file_queries.carry_out(tx, organization_id, repository_id, services.clock.now()):
                return
