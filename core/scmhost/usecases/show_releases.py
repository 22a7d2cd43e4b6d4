"""Show releases with their authors, their last commit and their deploys."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from scmhost.sdk import Organization, Repository
from scmhost.store import authors, commits, deploys, releases, repositories
from scmhost.store.engine import Transaction
from scmhost.store.values import Author, Deploys, Head, Installation, Release, StoredCommit

from .services import Services
from .show_commits import Beside, CommitPages, ShownCommit, installations_of, look_beside, show_commits


@dataclass(frozen=True, slots=True)
class ShownRef:
    """Where a release stands in a repository, and the page between there and the commit before, if that is known."""

    repository: Repository
    head: Head
    compare_url: str | None = None


@dataclass(frozen=True, slots=True)
class ShownRelease:
    """A release with what is shown beside it."""

    release: Release
    authors: Sequence[Author]
    last_commit: ShownCommit | None
    deploys: Deploys | None
    refs: Sequence[ShownRef]
    notes: tuple[str, ...] = ()

    def noting(self, notes: Sequence[str]) -> "ShownRelease":
        """The same with more to be said of it."""
        return replace(self, notes=(*self.notes, *notes))


@dataclass(frozen=True, slots=True)
class Found:
    """Releases as stored, with what is shown beside them, by release."""

    rows: Sequence[Release]
    authors: Mapping[int, Author]
    last: Mapping[int, StoredCommit]
    beside: Beside
    deploys: Mapping[int, Deploys]
    refs: Mapping[int, Sequence[ShownRef]]
    installations: Mapping[int, Installation]


def look_up(
    tx: Transaction,
    organization: Organization,
    rows: Sequence[Release],
    last: Mapping[int, StoredCommit] | None = None,
) -> Found:
    """Read what is shown beside releases. ``last`` are their last commits, where these are not their own."""
    if last is None:
        known = commits.get_many(tx, organization.id, {row.last_commit_id for row in rows if row.last_commit_id})
        last = {row.id: known[row.last_commit_id] for row in rows if row.last_commit_id in known}
    people = authors.get_many(tx, organization.id, {author for row in rows for author in row.author_ids})
    ids = [row.id for row in rows]
    deployed = deploys.of_releases(tx, organization.id, ids)
    beside = look_beside(tx, organization, list(last.values()))
    refs = _refs(tx, organization, ids)
    compared = [ref.repository for found in refs.values() for ref in found if ref.head.previous_sha]
    return Found(rows, people, last, beside, deployed, refs, installations_of(tx, organization, compared))


def show(services: Services, organization: Organization, found: Found) -> list[ShownRelease]:
    """Releases with all that is shown beside them. Plugins are asked here, so let no transaction be open."""
    shown = show_commits(services, organization, list(found.last.values()), found.beside)
    last = dict(zip(found.last, shown, strict=True))
    pages = CommitPages(services, organization, found.installations)
    return [
        ShownRelease(
            row,
            [found.authors[author] for author in row.author_ids if author in found.authors],
            last.get(row.id),
            found.deploys.get(row.id),
            [_compared(pages, ref) for ref in found.refs.get(row.id, ())],
        )
        for row in found.rows
    ]


def _compared(pages: CommitPages, ref: ShownRef) -> ShownRef:
    if not ref.head.previous_sha:
        return ref
    return replace(ref, compare_url=pages.compare_url(ref.repository, ref.head.previous_sha, ref.head.sha))


def _refs(tx: Transaction, organization: Organization, release_ids: Sequence[int]) -> dict[int, list[ShownRef]]:
    heads = releases.heads_of(tx, organization.id, release_ids)
    ids = {head.repository_id for found in heads.values() for head in found}
    of = repositories.get_many(tx, organization.id, ids)
    return {
        release_id: [ShownRef(of[head.repository_id], head) for head in found] for release_id, found in heads.items()
    }
