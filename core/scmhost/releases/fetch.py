"""Fetch the commits up to the ref of a release from the provider, as a job."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from scmhost.commits import bulk_queries
from scmhost.commits.ingest import Ingested, announce
from scmhost.commits.payload import tidy
from scmhost.commits.values import ListedCommit
from scmhost.infra.db import jobs
from scmhost.infra.db.engine import Transaction
from scmhost.infra.db.jobs import Job
from scmhost.infra.errors import Unavailable
from scmhost.installations import queries as installation_queries
from scmhost.installations.install import idle_reason
from scmhost.organizations import queries as organization_queries
from scmhost.plugins import ProviderCalls
from scmhost.repositories import queries as repository_queries
from scmhost.sdk import Installation, JsonObject, Organization, Repository, looks_like_commit
from scmhost.services import Services

from . import content_queries, queries
from .content import list_commits, save_bare
from .values import Head, Release

KIND: Final = "fetch_commits"


def order_commits(
    tx: Transaction, services: Services, organization: Organization, release: Release, repository: Repository
) -> str:
    """Have the commits up to a release's head fetched, or not; the sentence for the sender says which, and why."""
    hindrance = hindrance_of(services, organization, repository)
    if hindrance:
        return (
            f"Of repository {repository.name!r} only the ref is kept: {hindrance}. "
            "Send its commits with `sentry-cli releases set-commits --local`."
        )
    payload: JsonObject = {"release": release.version, "repository": repository.id}
    jobs.put(tx, organization.id, KIND, f"{release.id}:{repository.id}", payload, services.clock.now())
    return _under_way(repository.name)


def order_notes(tx: Transaction, release: Release) -> list[str]:
    """What is to be said of the orders of a release that are not done."""
    open_ = jobs.beginning_with(tx, release.organization_id, KIND, f"{release.id}:")
    ids = {job.id: repository_id(job) for job in open_}
    names = repository_queries.get_many(tx, release.organization_id, ids.values())
    return [_told(job, names[ids[job.id]].name) for job in open_ if ids[job.id] in names]


def repository_id(job: Job) -> int:
    """The repository whose commits a job fetches."""
    return int(str(job.payload["repository"]))


def hindrance_of(services: Services, organization: Organization, repository: Repository) -> str | None:
    """Why a repository's provider cannot be asked for commits, or None when it can."""
    if repository.provider is None or repository.installation_id is None:
        return "it is unclaimed, so that there is no provider to ask for the commits before it"
    idle = idle_reason(services, organization, repository.provider)
    if idle:
        return f"its provider is off ({idle})"
    calls = services.plugins.calls(repository.provider)
    if calls is None or not calls.has("scm_compare_commits"):
        name = services.plugins.provider_name(repository.provider)
        return f"its provider {name} cannot be asked for the commits before it"
    return None


def _told(job: Job, name: str) -> str:
    fault = job.fault.rstrip(". ") if job.fault else ""
    if job.failed:
        return f"The commits of repository {name!r} could not be fetched: {fault}. Set the ref again to try again."
    if fault:
        return f"The commits of repository {name!r} could not be fetched yet, and will be tried again: {fault}."
    return _under_way(name)


def _under_way(name: str) -> str:
    """The same sentence when it is ordered and while it waits: an answer that has both says it once."""
    return f"The commits of repository {name!r} are fetched from its provider; they appear in a moment."


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
    return _Answer(head, tidy(drafts[: services.limits.commits_per_request], services.limits))


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
