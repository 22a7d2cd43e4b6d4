"""Fetch the commits up to the ref of a release from the provider, as a job."""

from collections.abc import Sequence
from dataclasses import dataclass

from scmhost.commits import bulk_queries
from scmhost.commits.ingest import Ingested, announce
from scmhost.commits.payload import commits_from_drafts
from scmhost.commits.values import ListedCommit
from scmhost.infra.db import jobs
from scmhost.infra.db.engine import Transaction
from scmhost.infra.db.jobs import Job
from scmhost.infra.errors import Unavailable
from scmhost.installations import queries as installation_queries
from scmhost.organizations import queries as organization_queries
from scmhost.plugins import ProviderCalls
from scmhost.repositories import queries as repository_queries
from scmhost.sdk import Installation, Organization, Repository, looks_like_commit
from scmhost.services import Services

from . import content_queries, queries
from .content import hindrance_of, list_commits, repository_id, save_bare
from .values import Head, Release


class CannotAsk(Unavailable):
    """The provider cannot be asked now."""


@dataclass(frozen=True, slots=True)
class _Order:
    """What the provider is asked, and for whom."""

    organization: Organization
    release: Release
    repository: Repository
    installation: Installation
    base: str | None
    head: Head


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the provider tells: the commit that the head is, as far as it knows, and the commits up to there."""

    head: str
    drafts: Sequence[ListedCommit]


def fetch_commits(services: Services, job: Job) -> None:
    """Ask the provider, and save what it tells as the release's commits of that repository.

    What is gone meanwhile needs no commits: the job is over. A ref that was set anew has a job of its own.

    Raises:
        ProviderError, PluginFault: the provider cannot tell.
        CannotAsk: it is off, or cannot be asked any more.
    """
    with services.store.read() as tx:
        order = _order(tx, job)
    answer = _asked(services, order) if order else None
    done: list[Ingested] = []
    with services.telemetry.act("ingest"), services.store.write() as tx:
        if jobs.finish(tx, job) and order and answer:
            done = _save(tx, services, order, answer)
    if order:
        announce(services, order.organization, done)


def _order(tx: Transaction, job: Job) -> _Order | None:
    organization = organization_queries.get_organization(tx, job.organization_id)
    release = queries.find(tx, job.organization_id, str(job.payload["release"]))
    repository = repository_queries.get(tx, job.organization_id, repository_id(job))
    if organization is None or release is None or repository is None:
        return None
    head = content_queries.head_of(tx, organization.id, release.version, repository.id)
    installation = installation_queries.get(tx, organization.id, repository.installation_id or 0)
    if head is None or installation is None:
        return None
    before = queries.before(tx, release, repository.id)
    base = head.previous_sha or (before[1] if before else None)
    return _Order(organization, release, repository, installation.installation, base, head)


def _asked(services: Services, order: _Order) -> _Answer:
    """The provider's commits, the newest first, at most as many as a request may have."""
    hindrance = hindrance_of(services, order.organization, order.repository)
    calls = services.plugins.calls(order.installation.provider)
    if hindrance or calls is None:
        raise CannotAsk(hindrance or "its plugin is gone")
    head = _exact(calls, order)
    drafts = calls.compare_commits(order.installation, order.repository, order.base, head)
    return _Answer(head, commits_from_drafts(drafts[: services.limits.commits_per_request], services.limits))


def _exact(calls: ProviderCalls, order: _Order) -> str:
    """The commit that a tag or a branch stands at. A sender's ``HEAD`` is not the provider's."""
    told = order.head.sha
    if looks_like_commit(told) or told == "HEAD":
        return told
    found = calls.resolve_ref(order.installation, order.repository, told)
    return found.sha if found else told


def _save(tx: Transaction, services: Services, order: _Order, answer: _Answer) -> list[Ingested]:
    organization, release, repository = order.organization, order.release, order.repository
    if answer.head != order.head.sha:
        # Tags and branches move; the release stays at the commit that was meant when its ref was set.
        content_queries.set_head(tx, organization.id, release.id, repository.id, answer.head, order.head.previous_sha)
        save_bare(tx, services, organization, repository, answer.head)
    if not answer.drafts:
        return []
    saved = bulk_queries.save(tx, organization.id, repository.id, answer.drafts, services.clock.now())
    join = len(release.projects) > 1
    list_commits(tx, release, repository.id, [draft.sha for draft in answer.drafts], join=join)
    return [Ingested(repository, answer.drafts, saved, answer.head)]
