"""Save commits that clients send. A repository that is unknown is created, unclaimed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scmhost.commits.find_repository import (
    RepositoryHints,
    ResolvedRepository,
    assumed_note,
    find_named,
    placeholder_note,
    resolve_repositories,
)
from scmhost.infra.db.engine import Transaction
from scmhost.infra.errors import InvalidInput
from scmhost.organizations.quotas import take_rows
from scmhost.repositories.claim import checked_name
from scmhost.sdk import Organization, Repository
from scmhost.services import Services

from . import bulk_queries, queries
from .payload import CommitList, newest_first, read_commits
from .values import ListedCommit, SavedCommits


@dataclass(frozen=True, slots=True)
class IngestedCommits:
    """The commits of one repository that were saved.

    Attributes:
        repository: the repository.
        drafts: the commits, newest first.
        saved: what is new.
        head: the sha of the commit that the sender has checked out.
        is_placeholder: whether the repository is a placeholder.
        assumed_for: the name of a git remote that the sender gave, if the repository is the only possible one.
    """

    repository: Repository
    drafts: Sequence[ListedCommit]
    saved: SavedCommits
    head: str
    is_placeholder: bool = False
    assumed_for: str | None = None


def ingest_commits(
    services: Services, organization: Organization, entries: Sequence[Mapping[str, Any]]
) -> tuple[list[IngestedCommits], tuple[str, ...]]:
    """Save commits in one transaction. Saving the same commits again changes nothing.

    Returns:
        What was saved, by repository, and notes for the sender about entries that were changed.

    Raises:
        InvalidInput: an entry cannot be accepted, or there are more than ``limits.commits_per_request``.
    """
    listed = read_limited(services, entries)
    with services.telemetry.operation("ingest"), services.store.write() as tx:
        ingested = save_commits(tx, services, organization, listed)
    # After the transaction: a slow plugin must not hold its locks, and it must not see commits that are rolled back.
    report_saved_commits(services, organization, ingested)
    return ingested, (*listed.notes, *repository_notes(organization, ingested))


def missing_commits(
    services: Services, organization: Organization, repository_name: str, shas: Sequence[str]
) -> list[str]:
    """Return the shas that the repository does not have yet, in their order, each once.

    Raises:
        InvalidInput: there are more than ``limits.commits_per_request``.
    """
    services.limits.check("commits_per_request", len(shas), "ids")
    with services.store.read() as tx:
        repository = find_named(tx, organization, repository_name)
        known = bulk_queries.ids_of(tx, organization.id, repository.id, shas) if repository else {}
    return [sha for sha in dict.fromkeys(shas) if sha not in known]


def read_limited(services: Services, entries: Sequence[Mapping[str, Any]]) -> CommitList:
    """Read the commits of a payload.

    Raises:
        InvalidInput: there are too many, or one of them cannot be accepted.
    """
    limit = services.limits.commits_per_request
    if len(entries) > limit:
        raise InvalidInput(f"{len(entries)} commits in one request; at most {limit} (limits.commits_per_request).")
    listed = read_commits(entries, services.limits)
    limit = services.limits.repositories_per_request
    if len(listed.by_repository) > limit:
        raise InvalidInput(
            f"The commits of one request name {len(listed.by_repository)} repositories; at most {limit} "
            "(limits.repositories_per_request). Send them in several requests.",
            "commits",
        )
    return listed


def save_commits(
    tx: Transaction,
    services: Services,
    organization: Organization,
    listed: CommitList,
    project_ids: Collection[int] = (),
) -> list[IngestedCommits]:
    """Save the commits of a payload, repository by repository. The projects help to find the repositories."""
    now = services.clock.now()
    # Sentry too keeps commits without a repository under a name of the organization's.
    names = {name: checked_name(name) if name else f"organization-{organization.id}" for name in listed.by_repository}
    hints = {
        names[name]: RepositoryHints(project_ids, [commit.sha for commit in sent])
        for name, sent in listed.by_repository.items()
    }
    resolved = resolve_repositories(tx, organization, hints, now)
    # Two names may mean the same repository.
    by_id: dict[int, ResolvedRepository] = {}
    commits: dict[int, tuple[ListedCommit, ...]] = {}
    heads: dict[int, str] = {}
    for name, sent in listed.by_repository.items():
        found = resolved[names[name]]
        id_ = found.repository.id
        by_id[id_] = found
        commits[id_] = newest_first((*commits.get(id_, ()), *sent))
        # Clients send the checked-out commit first, so the first name has the head.
        heads.setdefault(id_, listed.heads[name])
    # All authors come first, then repositories by id, so that senders of the same commits never deadlock.
    if len(commits) > 1:
        queries.ensure_authors(tx, organization.id, [commit for sent in commits.values() for commit in sent])
    saved = {id_: bulk_queries.save(tx, organization.id, id_, commits[id_], now) for id_ in sorted(commits)}
    ingested = [
        IngestedCommits(item.repository, commits[id_], saved[id_], heads[id_], item.is_placeholder, item.assumed_for)
        for id_, item in by_id.items()
    ]
    new = sum(item.repository.created_at == now for item in by_id.values())
    take_rows(tx, services, organization, {"repositories": new})
    take_commits(tx, services, organization, ingested)
    return ingested


def take_commits(
    tx: Transaction, services: Services, organization: Organization, ingested: Sequence[IngestedCommits]
) -> None:
    """Count saved commits, and their file changes, against the quotas of the organization.

    Raises:
        QuotaExceeded: there are too many.
    """
    new = [(item.drafts, item.saved.new_ids) for item in ingested if item.saved.new]
    commits = sum(len(ids) for _, ids in new)
    changes = sum(len(draft.changes or ()) for drafts, ids in new for draft in drafts if draft.sha in ids)
    take_rows(tx, services, organization, {"commits": commits, "file_changes": changes})


def repository_notes(organization: Organization, ingested: Sequence[IngestedCommits]) -> tuple[str, ...]:
    """Return the notes for the sender about commits whose repository was not found, or not by its name."""
    unknown = [placeholder_note(organization, item.repository) for item in ingested if item.is_placeholder]
    assumed = [assumed_note(item.assumed_for, item.repository) for item in ingested if item.assumed_for]
    return (*unknown, *assumed)


def report_saved_commits(services: Services, organization: Organization, ingested: Sequence[IngestedCommits]) -> None:
    """Count saved commits and notify plugins of them. Call this after the transaction."""
    new = sum(len(item.saved.new) for item in ingested)
    services.telemetry.count("commits", {"new": new, "known": sum(item.saved.known for item in ingested)})
    for item in ingested:
        if item.saved.new:
            services.plugins.notify(
                "scm_commits_saved", organization=organization, repository=item.repository, shas=item.saved.new
            )
