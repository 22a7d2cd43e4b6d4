"""Commits of repositories: save them, find them, and tell what they changed and where they were released."""

from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from typing import Final

from sqlalchemy import select

from scmhost.kernel.paging import Page, PageRequest
from scmhost.sdk import FileChange

from .commit_rows import COMMITS, commit_of, commits_of
from .commit_saving import save
from .engine import Transaction
from .history_tables import ReleaseCommitRow, ReleaseRow
from .known_commits import CHANGES as _CHANGES
from .known_commits import ids_of
from .listing import Key, ordered, paged
from .statements import pieces
from .tables import table_of
from .values import ReleaseSummary, StoredCommit

__all__ = ["file_changes", "find", "get_many", "holders", "ids_of", "latest_sha", "page", "releases_of", "save"]

_LISTED: Final = table_of(ReleaseCommitRow)
_RELEASES: Final = table_of(ReleaseRow)
_NEWEST_FIRST: Final = (Key(COMMITS.c.committed_at, descending=True), Key(COMMITS.c.id, descending=True))


def page(tx: Transaction, organization_id: int, repository_id: int, request: PageRequest) -> Page[StoredCommit]:
    """A repository's commits, the newest first."""
    query = commits_of(organization_id).where(COMMITS.c.repository_id == repository_id)
    return paged(tx, query, _NEWEST_FIRST, request, commit_of)


def get_many(tx: Transaction, organization_id: int, ids: Iterable[int]) -> dict[int, StoredCommit]:
    """The commits with these ids, as far as they are there."""
    query = commits_of(organization_id)
    rows = (row for piece in pieces(ids) for row in tx.execute(query.where(COMMITS.c.id.in_(piece))))
    return {row.id: commit_of(row) for row in rows}


def find(
    tx: Transaction, organization_id: int, repository_id: int, sha: str, *, with_changes: bool = False
) -> StoredCommit | None:
    """The repository's commit with this sha."""
    mine = (COMMITS.c.repository_id == repository_id) & (COMMITS.c.sha == sha)
    row = tx.execute(commits_of(organization_id).where(mine)).one_or_none()
    if row is None or not with_changes:
        return commit_of(row) if row else None
    changes = file_changes(tx, organization_id, [row.id])
    return replace(commit_of(row), changes=changes.get(row.id, ()))


def latest_sha(tx: Transaction, organization_id: int, repository_id: int) -> str | None:
    """The sha of the newest commit that is known of a repository."""
    mine = (COMMITS.c.organization_id == organization_id) & (COMMITS.c.repository_id == repository_id)
    return tx.scalar(select(COMMITS.c.sha).where(mine).order_by(*ordered(_NEWEST_FIRST)).limit(1))


def holders(tx: Transaction, organization_id: int, repository_ids: Iterable[int], shas: Sequence[str]) -> set[int]:
    """Those of the repositories that have one of the commits."""
    query = select(COMMITS.c.repository_id).where(COMMITS.c.organization_id == organization_id).distinct()
    some = query.where(COMMITS.c.sha.in_(shas))
    found = (tx.scalars(some.where(COMMITS.c.repository_id.in_(piece))) for piece in pieces(repository_ids))
    return {repository_id for ids in found for repository_id in ids}


def file_changes(tx: Transaction, organization_id: int, commit_ids: Iterable[int]) -> dict[int, tuple[FileChange, ...]]:
    """What commits changed, by path. A commit without changes has no entry."""
    query = select(_CHANGES).where(_CHANGES.c.organization_id == organization_id)
    found: dict[int, list[FileChange]] = {}
    for piece in pieces(commit_ids):
        for row in tx.execute(query.where(_CHANGES.c.commit_id.in_(piece))):
            found.setdefault(row.commit_id, []).append(FileChange(path=row.path, type=row.type))
    return {commit_id: tuple(sorted(changes, key=_path)) for commit_id, changes in found.items()}


def releases_of(
    tx: Transaction, organization_id: int, commit_ids: Iterable[int]
) -> dict[int, tuple[ReleaseSummary, ...]]:
    """The releases that have the commits, the oldest first. A commit of no release has no entry."""
    names = [field.name for field in fields(ReleaseSummary)]
    same = (_RELEASES.c.organization_id == _LISTED.c.organization_id) & (_RELEASES.c.id == _LISTED.c.release_id)
    query = (
        select(_LISTED.c.commit_id, *(_RELEASES.c[name] for name in names))
        .join(_RELEASES, same)
        .where(_LISTED.c.organization_id == organization_id)
        .order_by(_RELEASES.c.created_at, _RELEASES.c.id)
    )
    found: dict[int, tuple[ReleaseSummary, ...]] = {}
    for piece in pieces(commit_ids):
        for row in tx.execute(query.where(_LISTED.c.commit_id.in_(piece))):
            summary = ReleaseSummary(**{name: getattr(row, name) for name in names})
            found[row.commit_id] = (*found.get(row.commit_id, ()), summary)
    return found


def _path(change: FileChange) -> str:
    return change.path
