"""The files of repositories, as far as commits named them: listed after the commits are in, found by their names."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, func, literal, select, tuple_

from scmhost.commits.tables import COMMITS, FILE_CHANGES
from scmhost.infra.db import jobs
from scmhost.infra.db.base import hash_of, is_text
from scmhost.infra.db.engine import Transaction
from scmhost.infra.db.jobs import Job
from scmhost.infra.db.statements import insert_into, pieces
from scmhost.sdk import JsonObject

from .tables import KNOWN_FILES


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A file of a repository that commits named: whether the newest of them deleted it, and that commit's sha."""

    repository_id: int
    path: str
    deleted: bool
    sha: str


KIND: Final = "list_files"
DELAY: Final = timedelta(seconds=20)

_KEYS: Final = ("organization_id", "repository_id", "path_hash")
_STATE: Final = ("deleted", "commit_id", "changed_at")
_COLUMNS: Final = (*_KEYS, "name", "path", *_STATE)
# As many characters of a name as every database takes in an index; longer ones are told apart afterwards.
_NAME: Final = 255
_WITH_SHA: Final = select(KNOWN_FILES.c.path, KNOWN_FILES.c.deleted, COMMITS.c.sha).join_from(
    KNOWN_FILES,
    COMMITS,
    and_(COMMITS.c.organization_id == KNOWN_FILES.c.organization_id, COMMITS.c.id == KNOWN_FILES.c.commit_id),
)
# So many commits are listed in a transaction, for others wait meanwhile.
_PIECE: Final = 10_000


def order(tx: Transaction, organization_id: int, repository_id: int, ids: Collection[int], now: datetime) -> None:
    """Have the files listed that commits with these ids, or with ids in between, changed: after a while, for it costs
    far less to list what many requests brought at once.
    """
    if ids:
        payload: JsonObject = {"repository": repository_id, "first": min(ids), "last": max(ids)}
        jobs.put(tx, organization_id, KIND, f"{repository_id}:{min(ids)}:{max(ids)}", payload, now + DELAY)


def ordered(tx: Transaction, organization_id: int, repository_id: int | None = None) -> Sequence[Job]:
    """The orders of an organization, or of one of its repositories, whether they are due or not."""
    return jobs.beginning_with(tx, organization_id, KIND, "" if repository_id is None else f"{repository_id}:")


def repository_of(job: Job) -> int:
    """The repository whose files an order has listed."""
    return int(str(job.payload["repository"]))


def carry_out(tx: Transaction, organization_id: int, repository_id: int, now: datetime) -> bool:
    """Carry out the orders of a repository as one, as far as is good in a transaction; False when there are none."""
    open_ = ordered(tx, organization_id, repository_id)
    if not open_:
        return False
    first = min(int(str(job.payload["first"])) for job in open_)
    last = max(int(str(job.payload["last"])) for job in open_)
    rest = take_in(tx, organization_id, repository_id, first, last)
    for job in open_:
        jobs.finish(tx, job)
    order(tx, organization_id, repository_id, () if rest is None else (rest, last), now)
    return True


def take_in(tx: Transaction, organization_id: int, repository_id: int, first: int, last: int) -> int | None:
    """List what some of a repository's commits changed; gives the id to go on from, or None after the last one."""
    mine = (COMMITS.c.organization_id == organization_id) & (COMMITS.c.repository_id == repository_id)
    ids = select(COMMITS.c.id).where(mine, COMMITS.c.id.between(first, last)).order_by(COMMITS.c.id).limit(_PIECE + 1)
    found = tx.scalars(ids).all()
    some = found[:_PIECE]
    if some:
        _list(tx, mine & COMMITS.c.id.between(some[0], some[-1]))
    return found[_PIECE] if len(found) > _PIECE else None


def standing(
    tx: Transaction, organization_id: int, wanted: Mapping[int, Iterable[str]]
) -> dict[tuple[int, str], KnownFile]:
    """What is known of paths, which are asked for by their repositories' ids. Paths that no commit named have none."""
    found: dict[tuple[int, str], KnownFile] = {}
    for repository_id, paths in wanted.items():
        hashes = {hash_of(path) for path in paths if is_text(path)}
        mine = _of(organization_id) & (KNOWN_FILES.c.repository_id == repository_id)
        for piece in pieces(hashes):
            for row in tx.execute(_WITH_SHA.where(mine, KNOWN_FILES.c.path_hash.in_(piece))):
                found[repository_id, row.path] = KnownFile(repository_id, row.path, row.deleted, row.sha)
    return found


def named(tx: Transaction, organization_id: int, names: Iterable[str], most: int) -> dict[int, list[str]]:
    """The paths that have one of the names and were not deleted, by the ids of their repositories.

    Of a name that more than ``most`` files have there are none at all, rather than some.
    """
    heads = {name[:_NAME] for name in names if is_text(name)}
    found: dict[int, list[str]] = {}
    for piece in pieces(heads):
        called = _of(organization_id) & KNOWN_FILES.c.name.in_(piece)
        few = select(KNOWN_FILES.c.name).where(called).group_by(KNOWN_FILES.c.name).having(func.count() <= most)
        rows = select(KNOWN_FILES.c.repository_id, KNOWN_FILES.c.path).where(
            _of(organization_id), ~KNOWN_FILES.c.deleted, KNOWN_FILES.c.name.in_(tx.scalars(few).all())
        )
        for repository_id, path in tx.execute(rows):
            found.setdefault(repository_id, []).append(path)
    return found


def _list(tx: Transaction, mine: ColumnElement[bool]) -> None:
    newest = _newest(mine).subquery()
    rows = select(*(newest.c[name] for name in _COLUMNS)).where(newest.c.place == 1)
    # In the order of the key, in which everyone writes.
    new = insert_into(tx, KNOWN_FILES).from_select(list(_COLUMNS), rows.order_by(newest.c.path_hash))
    newer = tuple_(new.excluded.changed_at, new.excluded.commit_id) > tuple_(
        KNOWN_FILES.c.changed_at, KNOWN_FILES.c.commit_id
    )
    tx.execute(
        new.on_conflict_do_update(
            index_elements=[KNOWN_FILES.c[name] for name in _KEYS],
            set_={name: new.excluded[name] for name in _STATE},
            where=newer,
        )
    )


def _newest(mine: ColumnElement[bool]) -> Select[Any]:
    """The changes of commits, each with its place among those of its file; the newest has the first one."""
    path = FILE_CHANGES.c.path
    folder = func.length(func.rtrim(path, func.replace(path, "/", "")))
    newest_first = (COMMITS.c.committed_at.desc(), COMMITS.c.id.desc())
    return (
        select(
            COMMITS.c.organization_id,
            COMMITS.c.repository_id,
            FILE_CHANGES.c.path_hash,
            func.substr(path, folder + 1, literal(_NAME)).label("name"),
            path,
            (FILE_CHANGES.c.type == "D").label("deleted"),
            COMMITS.c.id.label("commit_id"),
            COMMITS.c.committed_at.label("changed_at"),
            func.row_number().over(partition_by=FILE_CHANGES.c.path_hash, order_by=newest_first).label("place"),
        )
        .join(
            FILE_CHANGES,
            and_(FILE_CHANGES.c.organization_id == COMMITS.c.organization_id, FILE_CHANGES.c.commit_id == COMMITS.c.id),
        )
        .where(mine)
    )


def _of(organization_id: int) -> ColumnElement[bool]:
    return KNOWN_FILES.c.organization_id == organization_id
