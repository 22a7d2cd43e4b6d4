"""Fetch the commits of a push that its delivery does not list, as a job."""

from dataclasses import dataclass
from typing import Final

import structlog

from scmhost.infra.db import jobs
from scmhost.infra.db.engine import Transaction
from scmhost.infra.db.jobs import QueuedJob
from scmhost.installations import queries as installation_queries
from scmhost.organizations import queries as organization_queries
from scmhost.plugins import ProviderCalls
from scmhost.repositories import queries as repository_queries
from scmhost.sdk import Installation, JsonObject, Organization, Push, Repository, RepositoryStatus
from scmhost.services import Services

from . import bulk_queries
from .fields import Notes
from .ingest import IngestedCommits, report_saved_commits, take_commits
from .payload import commits_from_drafts

log = structlog.get_logger(__name__)

COMPLETE_PUSH: Final = "complete_push"
"""The kind of the job. Its key is ``<repository id>:<head>``."""

_HOOK: Final = "scm_compare_commits"


def request_completion(
    tx: Transaction, services: Services, calls: ProviderCalls, repository: Repository, push: Push
) -> bool:
    """Schedule that the unlisted commits of a push are fetched. Return False if its plugin cannot do so."""
    if not push.unlisted or push.head is None or _is_zero(push.head) or not calls.has(_HOOK):
        return False
    # Code hosts send zeros in place of the commit before a new branch.
    base = None if push.base is None or _is_zero(push.base) else push.base
    key = f"{repository.id}:{push.head}"
    payload: JsonObject = {"repository": repository.id, "base": base, "head": push.head}
    jobs.put(tx, repository.organization_id, COMPLETE_PUSH, key, payload, services.clock.now())
    return True


def _is_zero(sha: str) -> bool:
    return not sha.strip("0")


@dataclass(frozen=True, slots=True)
class _Range:
    """The commits of a push: those after the base, up to the head."""

    organization: Organization
    installation: Installation
    repository: Repository
    base: str | None
    head: str


def complete_push(services: Services, job: QueuedJob) -> None:
    """Fetch the commits of a push from its provider, and save them.

    If the repository has left its installation, the job is finished without commits.

    Raises:
        ProviderError, PluginFault: the provider failed.
        ProviderOff: it is not on for the organization.
    """
    with services.store.read() as tx:
        wanted = _read_range(tx, job)
    if wanted is None:
        with services.store.write() as tx:
            jobs.finish(tx, job)
        return
    calls = services.plugins.calls_for(wanted.installation.provider, wanted.organization)
    # Outside of a transaction: a code host may take seconds to answer.
    page = calls.compare_commits(wanted.installation, wanted.repository, wanted.base, wanted.head)
    if page.unlisted or page.without_changes:
        left_out = {"unlisted": page.unlisted, "without_changes": page.without_changes}
        log.warning("push not complete", repository=wanted.repository.id, head=wanted.head, **left_out)
    drafts = page.commits
    ingested: list[IngestedCommits] = []
    # The limit of a request bounds a transaction here: nothing of a long push is left out.
    size = services.limits.commits_per_request
    cut = Notes()
    for start in range(0, len(drafts), size):
        commits = commits_from_drafts(drafts[start : start + size], services.limits, cut)
        with services.telemetry.operation("ingest"), services.store.write() as tx:
            if commits:
                now = services.clock.now()
                saved = bulk_queries.save(tx, wanted.organization.id, wanted.repository.id, commits, now)
                ingested.append(IngestedCommits(wanted.repository, commits, saved, wanted.head))
                take_commits(tx, services, wanted.organization, ingested[-1:])
    if notes := cut.all():
        log.warning("commits of a push cut", repository=wanted.repository.id, notes=notes)
    with services.store.write() as tx:
        jobs.finish(tx, job)
    report_saved_commits(services, wanted.organization, ingested)


def _read_range(tx: Transaction, job: QueuedJob) -> _Range | None:
    organization = organization_queries.get_organization(tx, job.organization_id)
    repository = repository_queries.get(tx, job.organization_id, int(str(job.payload["repository"])))
    if organization is None or repository is None or repository.status is not RepositoryStatus.ACTIVE:
        return None
    found = installation_queries.get(tx, organization.id, repository.installation_id or 0)
    if found is None:
        return None
    base = job.payload["base"]
    return _Range(
        organization, found.installation, repository, None if base is None else str(base), str(job.payload["head"])
    )
