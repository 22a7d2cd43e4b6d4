"""Write the index of files: a job adds the newest change of each path among the commits that came in.

Reading many commits at once costs little for each, and an index row is written once for all of them. It is read in a
transaction of its own, so that other writers wait only while rows are written, a limited number at a time. Until the
last row is written the jobs stay in the database: after a crash another worker does the same again.
"""

import json
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import ARRAY, BigInteger, FromClause, Text, and_, bindparam, column, func, select, tuple_

from scmhost.commits.tables import COMMITS, FILE_CHANGES
from scmhost.infra.db import jobs
from scmhost.infra.db.base import ID_LIMIT, insert_for
from scmhost.infra.db.engine import Transaction
from scmhost.infra.db.jobs import QueuedJob
from scmhost.services import Services

from .file_queries import STATE, name_of, range_of, schedule_indexing
from .tables import KNOWN_FILES

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite

# A job ends within seconds, so that other jobs and the end of the process need not wait; another one does the rest.
_CHANGES_PER_JOB: Final = 100_000
# Other writers of SQLite wait while a transaction writes this many rows, some tens of milliseconds.
_ROWS_PER_TRANSACTION: Final = 2_000
# Seconds between two transactions on SQLite, whose waiting writers try again every 25 to 100 milliseconds.
_PAUSE: Final = 0.05

_KEYS: Final = ("organization_id", "repository_id", "path_hash")
_COLUMNS: Final = (*_KEYS, "name", "path", *STATE)


class NewestChange(NamedTuple):
    """The hash of a path, and the newest commit that changed it."""

    path_hash: int
    commit_id: int


def index_files(services: Services, job: QueuedJob, pause: Callable[[float], None] = time.sleep) -> None:
    """Index the commits that wait in the repository of a job. Running it again changes nothing."""
    organization_id, repository_id = job.organization_id, int(str(job.payload["repository"]))
    now = services.clock.now()
    with services.store.write() as tx:
        # All jobs of the repository as one. No other worker indexes the same commits meanwhile.
        until = now + timedelta(seconds=services.limits.job_seconds)
        taken = [job, *jobs.lease_others(tx, job, f"{repository_id}:", now, until)]
    ranges = [range_of(each.payload) for each in taken]
    first, last = min(ids.first for ids in ranges), max(ids.last for ids in ranges)
    with services.store.read() as tx:
        changes, next_id = newest_changes(tx, organization_id, repository_id, first, last)
    *pieces, final = _pieces(changes)
    for piece in pieces:
        with services.store.write() as tx:
            save_newest(tx, organization_id, piece)
        # Without a pause this would take the only lock of SQLite again before any writer that waits for it.
        if services.store.file:
            pause(_PAUSE)
    with services.store.write() as tx:
        save_newest(tx, organization_id, final)
        for each in taken:
            jobs.finish(tx, each)
        schedule_indexing(tx, organization_id, repository_id, () if next_id is None else (next_id, last), now)


def newest_changes(
    tx: Transaction, organization_id: int, repository_id: int, first: int, last: int
) -> tuple[list[NewestChange], int | None]:
    """Return the newest change of each path among a repository's commits in a range of ids, in the order of hashes.

    At most ``_CHANGES_PER_JOB`` are read, or one commit. The second value is the first id left over.
    """
    end = _last_id(tx, organization_id, first, last)
    values = {"organization": organization_id, "repository": repository_id, "first": first, "last": end}
    # A commit without changes has no path.
    found = [NewestChange(*row) for row in tx.execute(_NEWEST, values) if row[0] is not None]
    return sorted(found), end + 1 if end < last else None


def _last_id(tx: Transaction, organization_id: int, first: int, last: int) -> int:
    """Return the last id of a range up to which a job reads."""
    own = (FILE_CHANGES.c.organization_id == organization_id) & FILE_CHANGES.c.commit_id.between(first, last)
    ids = select(FILE_CHANGES.c.commit_id).where(own).order_by(FILE_CHANGES.c.commit_id)
    beyond: int | None = tx.scalar(ids.offset(_CHANGES_PER_JOB).limit(1))
    if beyond is None:
        return last
    # A commit is read as a whole, also if it has more changes.
    lowest: int = tx.scalars(ids.limit(1)).one()
    return max(beyond - 1, lowest)


# The limit makes SQLite search by id. For the order of time it would read all commits of the repository in an index.
_IN_RANGE: Final = (
    select(COMMITS.c.id, COMMITS.c.committed_at)
    .where(COMMITS.c.organization_id == bindparam("organization"), COMMITS.c.repository_id == bindparam("repository"))
    .where(COMMITS.c.id.between(bindparam("first"), bindparam("last")))
    .order_by(COMMITS.c.id)
    .limit(ID_LIMIT)
    .subquery()
)
_PLACED: Final = select(
    _IN_RANGE.c.id, func.row_number().over(order_by=(_IN_RANGE.c.committed_at, _IN_RANGE.c.id)).label("place")
).cte("placed")
_OF_COMMIT: Final = and_(
    FILE_CHANGES.c.organization_id == bindparam("organization"), FILE_CHANGES.c.commit_id == _PLACED.c.id
)
# An outer join: SQLite may begin an inner one with the changes, of which it would read all of the organization.
_LAST_PLACES: Final = (
    select(FILE_CHANGES.c.path_hash, func.max(_PLACED.c.place).label("place"))
    .select_from(_PLACED.outerjoin(FILE_CHANGES, _OF_COMMIT))
    .group_by(FILE_CHANGES.c.path_hash)
    .subquery()
)
_NEWEST: Final = select(_LAST_PLACES.c.path_hash, _PLACED.c.id).join(_PLACED, _PLACED.c.place == _LAST_PLACES.c.place)


def save_newest(tx: Transaction, organization_id: int, changes: Sequence[NewestChange]) -> None:
    """Write changes to the index, unless it has a newer one of their path. Changes that are gone are left out."""
    if not changes:
        return
    dialect = tx.get_bind().dialect.name
    sent: dict[str, Any]
    if dialect == "sqlite":
        sent = {"changes": json.dumps(changes)}
    else:
        sent = {"hashes": [each.path_hash for each in changes], "ids": [each.commit_id for each in changes]}
    tx.execute(_save(dialect), {"organization": organization_id, **sent})


@cache
def _save(dialect: str) -> "postgresql.Insert | sqlite.Insert":
    sent = _sent_changes(dialect)
    same_commit = (COMMITS.c.organization_id == bindparam("organization")) & (COMMITS.c.id == sent.c.commit_id)
    same_change = and_(
        FILE_CHANGES.c.organization_id == COMMITS.c.organization_id,
        FILE_CHANGES.c.commit_id == COMMITS.c.id,
        FILE_CHANGES.c.path_hash == sent.c.path_hash,
    )
    rows = (
        select(
            COMMITS.c.organization_id,
            COMMITS.c.repository_id,
            FILE_CHANGES.c.path_hash,
            name_of(FILE_CHANGES.c.path),
            FILE_CHANGES.c.path,
            FILE_CHANGES.c.type == "D",
            COMMITS.c.id,
            COMMITS.c.committed_at,
        )
        .select_from(sent.join(COMMITS, same_commit).join(FILE_CHANGES, same_change))
        .where(COMMITS.c.organization_id == bindparam("organization"))
        # In the order of the key, in which every writer inserts, so that no two block each other.
        .order_by(FILE_CHANGES.c.path_hash)
    )
    new = insert_for(dialect, KNOWN_FILES).from_select(list(_COLUMNS), rows)
    newer = tuple_(new.excluded.changed_at, new.excluded.commit_id) > tuple_(
        KNOWN_FILES.c.changed_at, KNOWN_FILES.c.commit_id
    )
    return new.on_conflict_do_update(
        index_elements=[KNOWN_FILES.c[name] for name in _KEYS],
        set_={name: new.excluded[name] for name in STATE},
        where=newer,
    )


def _sent_changes(dialect: str) -> FromClause:
    """Return a table of the sent changes, of which there may be any number."""
    if dialect == "sqlite":
        value = func.json_each(bindparam("changes", type_=Text)).table_valued(column("value")).c.value
        parts = [func.json_extract(value, f"$[{place}]").label(name) for place, name in enumerate(NewestChange._fields)]
        return select(*parts).subquery()
    lists = [bindparam(name, type_=ARRAY(BigInteger)) for name in ("hashes", "ids")]
    return func.unnest(*lists).table_valued(*NewestChange._fields).render_derived()


def _pieces(changes: Sequence[NewestChange]) -> list[Sequence[NewestChange]]:
    """Return the changes of each transaction; at least one transaction."""
    size = _ROWS_PER_TRANSACTION
    return [changes[start : start + size] for start in range(0, len(changes), size)] or [()]
