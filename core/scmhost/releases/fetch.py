"""Fetch the commits up to a release's ref from the provider, as a job."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from scmhost.commits import bulk_queries
from scmhost.commits.fields import Notes
from scmhost.commits.ingest import IngestedCommits, report_saved_commits, take_commits
from scmhost.commits.payload import commits_from_drafts
from scmhost.commits.values import ListedCommit
from scmhost.infra.db import jobs
from scmhost.infra.db.engine import Transaction
from scmhost.infra.db.jobs import QueuedJob
from scmhost.infra.errors import Unavailable
from scmhost.installations import queries as installation_queries
from scmhost.organizations import queries as organization_queries
from scmhost.plugins import ProviderCalls
from scmhost.repositories import queries as repository_queries
from scmhost.sdk import CommitPage, Installation, JsonObject, Organization, Repository, looks_like_commit
from scmhost.services import Services

from . import content_queries, queries
from .values import Head, Release

log = structlog.get_logger(__name__)

FETCH_COMMITS: Final = "fetch_commits"
"""The kind of the job. Its key is ``<release id>:<repository id>``."""

_OTHERS: Final = "Set the ref with a later previous commit, or send the others with `scmhost commits send`."


class FetchBlocked(Unavailable):
    """The provider is off, or has no hook that lists commits."""


def request_fetches(
    tx: Transaction,
    services: Services,
    organization: Organization,
    release: Release,
    repositories: Sequence[Repository],
) -> list[str]:
    """Schedule a fetch for each repository whose provider can list commits; a later request replaces an earlier one.

    Returns:
        A note for the sender for each repository, in their order.
    """
    notes = []
    payloads: dict[str, JsonObject] = {}
    blockers: dict[str | None, str | None] = {}
    for repository in repositories:
        provider = repository.provider if repository.installation_id is not None else None
        if provider not in blockers:
            # The same for all repositories of a provider, and the decision may need a flag service.
            blockers[provider] = fetch_blocker(services, organization, repository)
        blocker = blockers[provider]
        if blocker is None:
            payloads[f"{release.id}:{repository.id}"] = {"release": release.version, "repository": repository.id}
            notes.append(_scheduled_note(repository.name))
        else:
            notes.append(
                f"Of repository {repository.name!r} only the ref is kept: {blocker}. "
                "Send its commits with `sentry-cli releases set-commits --local`."
            )
    # In the transaction of the refs: after a crash there is no ref without its fetch.
    jobs.put_many(tx, organization.id, FETCH_COMMITS, payloads, services.clock.now())
    return notes


def fetch_blocker(services: Services, organization: Organization, repository: Repository) -> str | None:
    """Return why commits cannot be fetched from a repository's provider; None when they can."""
    if repository.provider is None or repository.installation_id is None:
        return "it is unclaimed, so no provider can list the commits before it"
    if repository.state == "deleted":
        return "it was deleted at its code host"
    idle = services.plugins.idle_reason(repository.provider, organization)
    if idle:
        return f"its provider is off ({idle})"
    calls = services.plugins.calls(repository.provider)
    if calls is None or not calls.has("scm_compare_commits"):
        name = services.plugins.provider_name(repository.provider)
        return f"its provider {name} cannot list the commits before it"
    return None


def fetch_notes(tx: Transaction, release: Release, heads: Iterable[Head]) -> list[str]:
    """Return a note for each fetch of a release, which has these heads, that is not complete or left out commits."""
    pending = jobs.with_key_prefix(tx, release.organization_id, FETCH_COMMITS, f"{release.id}:")
    ids = {job.id: _repository_id(job) for job in pending}
    repositories = repository_queries.get_many(tx, release.organization_id, ids.values())
    # A repository may have been deleted while its fetch was waiting.
    waiting = [_note(job, repositories[ids[job.id]].name) for job in pending if ids[job.id] in repositories]
    return waiting + [head.note for head in heads if head.note]


def _note(job: QueuedJob, name: str) -> str:
    # The text becomes a part of a sentence.
    fault = job.fault.rstrip(". ") if job.fault else ""
    if job.failed:
        return f"The commits of repository {name!r} could not be fetched: {fault}. Set the ref again to try again."
    if fault:
        return f"The commits of repository {name!r} could not be fetched yet, and will be tried again: {fault}."
    return _scheduled_note(name)


def _scheduled_note(name: str) -> str:
    """Return the note of a fetch that is scheduled.

    The request that schedules it and the release itself add the same text, so that the answer shows it once.
    """
    return f"The commits of repository {name!r} are fetched from its provider; they appear in a moment."


def _repository_id(job: QueuedJob) -> int:
    return int(str(job.payload["repository"]))


@dataclass(frozen=True, slots=True)
class _FetchRequest:
    """A range of commits to fetch, with its rows. Without a base, the provider chooses where it begins."""

    organization: Organization
    release: Release
    repository: Repository
    installation: Installation
    base: str | None
    head: Head


@dataclass(frozen=True, slots=True)
class _FetchResult:
    """The sha of the head if the provider could resolve it, else the ref; and the commits, newest first.

    ``note`` is what was left out.
    """

    head: str
    commits: Sequence[ListedCommit]
    note: str | None = None


def fetch_commits(services: Services, job: QueuedJob) -> None:
    """Fetch commits from the provider, and save them as the release's commits of the repository.

    If the release, the repository or the installation is gone, the job is finished without commits. A ref that was
    set during the call has a job of its own, and this result is dropped.

    Raises:
        ProviderError, PluginFault: the provider failed.
        FetchBlocked: the provider is off, or does not list commits any more.
    """
    with services.store.read() as tx:
        request = _read_request(tx, job)
    result = _call_provider(services, request) if request else None
    ingested: list[IngestedCommits] = []
    with services.telemetry.operation("ingest"), services.store.write() as tx:
        if jobs.finish(tx, job) and request and result:
            ingested = _save(tx, services, request, result)
    if request:
        report_saved_commits(services, request.organization, ingested)


def _read_request(tx: Transaction, job: QueuedJob) -> _FetchRequest | None:
    organization = organization_queries.get_organization(tx, job.organization_id)
    release = queries.find(tx, job.organization_id, str(job.payload["release"]))
    repository = repository_queries.get(tx, job.organization_id, _repository_id(job))
    if organization is None or release is None or repository is None:
        return None
    head = content_queries.head_of(tx, organization.id, release.version, repository.id)
    installation = installation_queries.get(tx, organization.id, repository.installation_id or 0)
    if head is None or installation is None:
        return None
    previous = queries.before(tx, release, repository.id, any_commit=True)
    # As on Sentry: without a base, the commits since the previous release of the same projects.
    base = head.previous_sha or (previous[1] if previous else None)
    return _FetchRequest(organization, release, repository, installation.installation, base, head)


def _call_provider(services: Services, request: _FetchRequest) -> _FetchResult:
    blocker = fetch_blocker(services, request.organization, request.repository)
    calls = services.plugins.calls(request.installation.provider)
    # The configuration may have been reloaded since the fetch was scheduled.
    if blocker or calls is None:
        raise FetchBlocked(blocker or "its plugin is gone")
    head = _resolve_head(calls, request)
    # Outside of a transaction: a code host may take seconds to answer.
    page = calls.compare_commits(request.installation, request.repository, request.base, head)
    most = services.limits.commits_per_request
    notes = list(_notes(request.repository.name, page, most))
    if notes:
        counts = {"fetched": len(page.commits), "kept": min(len(page.commits), most), "unlisted": page.unlisted}
        without = page.without_changes
        log.warning("fetched commits left out", repository=request.repository.id, **counts, without_changes=without)
    cut = Notes()
    # The newest ones are first, so the limit drops the oldest.
    commits = commits_from_drafts(page.commits[:most], services.limits, cut)
    return _FetchResult(head, commits, " ".join(filter(None, [*notes, "; ".join(cut.all())])) or None)


def _notes(name: str, page: CommitPage, most: int) -> Iterator[str]:
    """Yield what a fetch leaves out of a release."""
    count = len(page.commits)
    if count > most:
        yield (
            f"The provider returned {count} commits of repository {name!r}, and the newest {most} were kept "
            f"(limits.commits_per_request). {_OTHERS}"
        )
    elif page.unlisted:
        yield (
            f"The provider returned the newest {count} commits of repository {name!r}, and left out at least "
            f"{page.unlisted} older ones, by a limit of its settings or for lack of time. {_OTHERS}"
        )
    if page.without_changes:
        yield (
            f"The changed files of {page.without_changes} commits of repository {name!r} are not known: the provider "
            "did not read them, by a limit of its settings or for lack of time."
        )


def _resolve_head(calls: ProviderCalls, request: _FetchRequest) -> str:
    """Return the sha of a tag or a branch. A sender's ``HEAD`` is not the provider's."""
    ref = request.head.sha
    # sentry-cli sends HEAD for a --commit without a revision, and resolves nothing locally.
    if looks_like_commit(ref) or ref == "HEAD":
        return ref
    resolved = calls.resolve_ref(request.installation, request.repository, ref)
    return resolved.sha if resolved else ref


def _save(tx: Transaction, services: Services, request: _FetchRequest, result: _FetchResult) -> list[IngestedCommits]:
    organization_id, release, repository = request.organization.id, request.release, request.repository
    now = services.clock.now()
    if (result.head, result.note) != (request.head.sha, request.head.note):
        # Tags and branches move; the release keeps the commit that its ref named when it was set.
        previous = request.head.previous_sha
        head = Head(repository.id, result.head, previous, result.note)
        content_queries.set_heads(tx, organization_id, release.id, [head])
    if result.head != request.head.sha and looks_like_commit(result.head):
        bulk_queries.save_bare_commits(tx, organization_id, [(repository.id, result.head)], now)
    if not result.commits:
        return []
    saved = bulk_queries.save(tx, organization_id, repository.id, result.commits, now)
    shas = [commit.sha for commit in result.commits]
    join = len(release.projects) > 1
    content_queries.set_shas(tx, release, repository.id, shas, join=join, known=saved.new_ids)
    ingested = [IngestedCommits(repository, result.commits, saved, result.head)]
    take_commits(tx, services, request.organization, ingested)
    return ingested
