"""Which files a commit does not have, because an earlier commit that is known deleted or renamed them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select

from scmhost.commits.tables import COMMITS, FILE_CHANGES
from scmhost.infra.db.base import is_text
from scmhost.infra.db.engine import Transaction
from scmhost.infra.db.statements import batches

from .file_queries import KnownFile

# The bounds of what is read to find the new path of a renamed file.
_RENAMES_READ: Final = 20
_CHANGES_OF_RENAME: Final = 1_000


@dataclass(frozen=True, slots=True)
class Deletion:
    """The deletion of a file by the newest commit that lists it.

    Attributes:
        sha: the commit.
        new_path: the file's new path, if the commit renamed it.
        later: the commits that were asked about and that are later: they do not have the file.
    """

    sha: str
    new_path: str | None
    later: frozenset[str]


def deletions(
    tx: Transaction, organization_id: int, files: Iterable[KnownFile], shas: Mapping[int, Collection[str]]
) -> dict[tuple[int, str], Deletion]:
    """Return the deletions of deleted files before some commits, by repository id and path.

    Args:
        tx: the transaction; nothing is written.
        organization_id: the organization.
        files: the files. One that is not deleted, or was deleted after all the commits, has no entry in the result.
        shas: the commits by repository id. One that is not known counts as earlier.
    """
    deleted = [file for file in files if file.deleted and shas.get(file.repository_id)]
    places = _places(tx, organization_id, {sha for own in shas.values() for sha in own if is_text(sha)})
    later = {
        (file.repository_id, file.path): frozenset(
            sha
            for sha in shas[file.repository_id]
            if (place := places.get((file.repository_id, sha))) and place > file.place
        )
        for file in deleted
    }
    gone = [file for file in deleted if later[file.repository_id, file.path]]
    changes = _changes_by_commit(tx, organization_id, {file.place[1] for file in gone})
    return {
        (file.repository_id, file.path): Deletion(
            file.sha, _new_path(file.path, changes[file.place[1]]), later[file.repository_id, file.path]
        )
        for file in gone
    }


def _places(
    tx: Transaction, organization_id: int, shas: Collection[str]
) -> dict[tuple[int, str], tuple[datetime, int]]:
    """Return the places of known commits by repository id and sha."""
    columns = (COMMITS.c.repository_id, COMMITS.c.sha, COMMITS.c.committed_at, COMMITS.c.id)
    found: dict[tuple[int, str], tuple[datetime, int]] = {}
    for piece in batches(shas):
        query = select(*columns).where(COMMITS.c.organization_id == organization_id, COMMITS.c.sha.in_(piece))
        found |= {(row.repository_id, row.sha): (row.committed_at, row.id) for row in tx.execute(query)}
    return found


def _changes_by_commit(tx: Transaction, organization_id: int, commit_ids: Collection[int]) -> dict[int, list[Any]]:
    """Return the files that commits add or delete; of a very large commit only some."""
    changes: dict[int, list[Any]] = {id_: [] for id_ in commit_ids}
    for id_ in sorted(commit_ids)[:_RENAMES_READ]:
        own = (FILE_CHANGES.c.organization_id == organization_id) & (FILE_CHANGES.c.commit_id == id_)
        query = select(FILE_CHANGES.c.path, FILE_CHANGES.c.type).where(own, FILE_CHANGES.c.type.in_(("A", "D")))
        changes[id_] = list(tx.execute(query.limit(_CHANGES_OF_RENAME)))
    return changes


def _new_path(path: str, changes: Sequence[Any]) -> str | None:
    """Return the path to which a commit renamed a file: the only new one of its name, or the only one at all.

    Commits list a rename as a deletion and an addition.
    """
    added: list[str] = [change.path for change in changes if change.type == "A"]
    name = path.rpartition("/")[2]
    namesakes = [other for other in added if other.rpartition("/")[2] == name]
    if len(changes) == 2 and len(added) == 1:  # noqa: PLR2004 - one deletion and one addition
        return added[0]
    return namesakes[0] if len(namesakes) == 1 and len(changes) < _CHANGES_OF_RENAME else None
