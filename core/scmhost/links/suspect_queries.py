"""SQL of suspect commits: the commits that changed certain files, always from a bounded number of commits.

Each statement first takes at most ``MOST_COMPARED`` commits from an index, and then looks up their changes of the files
by the key of the table of changes. Its cost does not depend on how many commits are stored.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Subquery, and_, select, true

from scmhost.commits.queries import commit_of, commits_of
from scmhost.commits.tables import COMMITS, FILE_CHANGES
from scmhost.commits.values import StoredCommit
from scmhost.infra.db.base import AnySelect, hash_of, is_text
from scmhost.infra.db.engine import Transaction
from scmhost.infra.db.statements import batches
from scmhost.releases.tables import RELEASE_COMMITS
from scmhost.sdk import FileChange

MOST_COMPARED: Final = 2_000
"""The most commits of a repository that are compared with a trace: the newest."""

_MOST_DELETED: Final = 10_000

Paths = Mapping[int, Collection[str]]
"""Paths by repository id."""


def of_release(tx: Transaction, organization_id: int, release_id: int, paths: Paths) -> list[StoredCommit]:
    """Return the commits of a release that changed any of the paths, with these changes."""
    return _changed(tx, organization_id, paths, {id_: listed(organization_id, release_id, id_) for id_ in paths})


def newest(tx: Transaction, organization_id: int, paths: Paths, until: datetime | None = None) -> list[StoredCommit]:
    """Return those of the newest commits that changed any of the paths, with these changes.

    Args:
        tx: the transaction.
        organization_id: the organization.
        paths: the paths.
        until: later commits are left out.
    """
    return _changed(tx, organization_id, paths, {id_: newest_ids(organization_id, id_, until) for id_ in paths})


def with_shas(tx: Transaction, organization_id: int, shas: Mapping[int, Iterable[str]]) -> list[StoredCommit]:
    """Return the commits with these ids, by repository id, without changes. Unknown ones are left out."""
    found = []
    for repository_id, own in shas.items():
        query = commits_of(organization_id).where(COMMITS.c.repository_id == repository_id)
        for piece in batches(own):
            found += [commit_of(row) for row in tx.execute(query.where(COMMITS.c.sha.in_(piece)))]
    return found


def listed(organization_id: int, release_id: int, repository_id: int) -> Subquery:
    """Select the ids of a release's newest commits in a repository."""
    own = (RELEASE_COMMITS.c.organization_id == organization_id) & (RELEASE_COMMITS.c.release_id == release_id)
    query = select(RELEASE_COMMITS.c.commit_id.label("id")).where(own, RELEASE_COMMITS.c.repository_id == repository_id)
    return query.order_by(RELEASE_COMMITS.c.position).limit(MOST_COMPARED).subquery("compared")


def newest_ids(organization_id: int, repository_id: int, until: datetime | None) -> Subquery:
    """Select the ids of the newest commits of a repository, not later than a moment."""
    own = (COMMITS.c.organization_id == organization_id) & (COMMITS.c.repository_id == repository_id)
    query = select(COMMITS.c.id).where(own)
    if until is not None:
        query = query.where(COMMITS.c.committed_at <= until)
    order = (COMMITS.c.committed_at.desc(), COMMITS.c.id.desc())
    return query.order_by(*order).limit(MOST_COMPARED).subquery("compared")


def changes_of(dialect: str, organization_id: int, compared: Subquery, hashes: Collection[int]) -> AnySelect:
    """Select the changes of files by their hashes, of the compared commits."""
    columns = (FILE_CHANGES.c.commit_id, FILE_CHANGES.c.path, FILE_CHANGES.c.type)
    same = and_(FILE_CHANGES.c.organization_id == organization_id, FILE_CHANGES.c.commit_id == compared.c.id)
    of_files = FILE_CHANGES.c.path_hash.in_(sorted(hashes))
    if dialect != "postgresql":
        return select(*columns).join_from(compared, FILE_CHANGES, same).where(of_files)
    # With many changes PostgreSQL would rather scan all of them and hash the commits. An offset makes it look up the
    # key for each commit, which takes a tenth of the time at three million changes.
    each = select(*columns).where(same, of_files).offset(0).lateral("changes")
    return select(each).join_from(compared, each, true())


def _changed(
    tx: Transaction, organization_id: int, paths: Paths, compared: Mapping[int, Subquery]
) -> list[StoredCommit]:
    changes: defaultdict[int, list[FileChange]] = defaultdict(list)
    dialect = tx.get_bind().dialect.name
    for repository_id, own in paths.items():
        # A path with NUL or a lone surrogate cannot be stored, so no change has it.
        hashes = {hash_of(path) for path in own if is_text(path)}
        if hashes:
            for row in tx.execute(changes_of(dialect, organization_id, compared[repository_id], hashes)):
                changes[row.commit_id].append(FileChange(path=row.path, type=row.type))
    _add_deleted(tx, organization_id, changes)
    query, found = commits_of(organization_id), []
    for piece in batches(sorted(changes)):
        rows = tx.execute(query.where(COMMITS.c.id.in_(piece)))
        found += [replace(commit_of(row), changes=tuple(changes[row.id])) for row in rows]
    return found


def _add_deleted(tx: Transaction, organization_id: int, changes: Mapping[int, list[FileChange]]) -> None:
    """Add the files that commits deleted which added a file of the trace: it may only have been moved."""
    adding = [id_ for id_, own in changes.items() if any(change.type == "A" for change in own)]
    own = (FILE_CHANGES.c.organization_id == organization_id) & (FILE_CHANGES.c.type == "D")
    query: Any = select(FILE_CHANGES.c.commit_id, FILE_CHANGES.c.path).where(own).limit(_MOST_DELETED)
    for piece in batches(adding):
        for row in tx.execute(query.where(FILE_CHANGES.c.commit_id.in_(piece))):
            changes[row.commit_id].append(FileChange(path=row.path, type="D"))
