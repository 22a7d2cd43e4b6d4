"""Give a release its commits and refs."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from scmhost.commits import bulk_queries
from scmhost.commits import queries as commit_queries
from scmhost.commits.fields import read_range
from scmhost.commits.find_repository import find_named
from scmhost.commits.ingest import Ingested, home_notes, save_commits
from scmhost.commits.payload import CommitList
from scmhost.infra.db import jobs
from scmhost.infra.db.engine import Transaction
from scmhost.infra.db.jobs import Job
from scmhost.infra.errors import InvalidInput
from scmhost.installations.install import idle_reason
from scmhost.repositories import queries as repository_queries
from scmhost.sdk import CommitDraft, JsonObject, Organization, Repository, looks_like_commit
from scmhost.services import Services

from . import content_queries
from .values import Release

FETCH_COMMITS: Final = "fetch_commits"


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
    jobs.put(tx, organization.id, FETCH_COMMITS, f"{release.id}:{repository.id}", payload, services.clock.now())
    return _under_way(repository.name)


def order_notes(tx: Transaction, release: Release) -> list[str]:
    """What is to be said of the orders of a release that are not done."""
    open_ = jobs.beginning_with(tx, release.organization_id, FETCH_COMMITS, f"{release.id}:")
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


@dataclass(frozen=True, slots=True)
class RefDraft:
    """A repository at a commit, or over a range ``a..b``, as clients send it."""

    repository: str
    commit: str
    previous: str | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """What a caller sends of a release's content, and the projects that the release has now."""

    listed: CommitList | None
    refs: Sequence[RefDraft]
    project_ids: Collection[int]


@dataclass(frozen=True, slots=True)
class Filled:
    """What filling did, and what the sender is told of it."""

    done: Sequence[Ingested] = ()
    notes: tuple[str, ...] = ()


def fill_release(
    tx: Transaction, services: Services, organization: Organization, release: Release, content: Content
) -> Filled:
    """Give a release the commits, then the refs, which have the last word on a repository's commit.

    Raises:
        InvalidInput: a ref names no repository, or no commit.
    """
    listed = content.listed
    done = save_commits(tx, services, organization, listed, content.project_ids) if listed else []
    for item in done:
        shas = [draft.sha for draft in item.drafts]
        join = item.stand_in or len(content.project_ids) > 1
        list_commits(tx, release, item.repository.id, shas, join=join)
        head = _newer_head(tx, release, item) if join else item.head
        content_queries.set_head(tx, organization.id, release.id, item.repository.id, head, None)
    notes = _set_refs(tx, services, organization, release, content.refs, {item.repository.id for item in done})
    return Filled(done, (*(listed.notes if listed else ()), *home_notes(organization, done), *notes))


def _newer_head(tx: Transaction, release: Release, item: Ingested) -> str:
    """Where a release stands to which several senders add: at the newer of the commits that they name."""
    known = content_queries.head_of(tx, release.organization_id, release.version, item.repository.id)
    if known is None:
        return item.head
    mine, theirs = (
        commit_queries.find(tx, release.organization_id, item.repository.id, sha) for sha in (item.head, known.sha)
    )
    return known.sha if mine and theirs and theirs.committed_at > mine.committed_at else item.head


def list_commits(tx: Transaction, release: Release, repository_id: int, shas: Sequence[str], *, join: bool) -> None:
    """Make commits that are saved the release's list for a repository.

    Args:
        tx: the transaction.
        release: the release.
        repository_id: the repository.
        shas: its commits, the newest first.
        join: keep what the list had before: several projects send lists of one repository each on its own.
    """
    ids = bulk_queries.ids_of(tx, release.organization_id, repository_id, shas)
    save = content_queries.add_commits if join else content_queries.set_commits
    save(tx, release.organization_id, release.id, repository_id, [ids[sha] for sha in shas])


def _set_refs(
    tx: Transaction,
    services: Services,
    organization: Organization,
    release: Release,
    refs: Sequence[RefDraft],
    listed: Collection[int],
) -> list[str]:
    """Note where the release stands. The commits up to there are ordered, unless they came in the same request."""
    notes = []
    for ref in refs:
        services.limits.check("repository_name_length", len(ref.repository), "refs")
    for ref, repository in zip(refs, _named(tx, organization, refs), strict=True):
        base, head = read_range(ref.commit, services.limits)
        services.limits.check("sha_length", len(ref.previous or ""), "refs")
        previous = base or ref.previous or None
        content_queries.set_head(tx, organization.id, release.id, repository.id, head, previous)
        save_bare(tx, services, organization, repository, head)
        if repository.id not in listed:
            notes.append(order_commits(tx, services, organization, release, repository))
    return notes


def _named(tx: Transaction, organization: Organization, refs: Sequence[RefDraft]) -> list[Repository]:
    found = {name: find_named(tx, organization, name) for name in dict.fromkeys(ref.repository for ref in refs)}
    unknown = [name for name, repository in found.items() if repository is None]
    if unknown:
        raise InvalidInput(f"Invalid repository names: {','.join(unknown)}", "refs")
    return [repository for ref in refs if (repository := found[ref.repository]) is not None]


def save_bare(
    tx: Transaction, services: Services, organization: Organization, repository: Repository, sha: str
) -> None:
    """Know of a commit that only a ref names; whoever sends it later fills in the rest."""
    if looks_like_commit(sha):
        bulk_queries.save(tx, organization.id, repository.id, [CommitDraft(sha=sha)], services.clock.now())
