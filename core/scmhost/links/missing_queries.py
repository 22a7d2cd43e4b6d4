"""SQL of the counters of frames without a link."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from sqlalchemy import delete, func, select

from scmhost.infra.db.engine import Transaction
from scmhost.infra.db.statements import insert_into

from .tables import MISSING_FRAMES


class MissingKey(NamedTuple):
    """What frames are counted by."""

    organization_id: int
    day: date
    project_id: int
    reason: str
    root: str


@dataclass(frozen=True, slots=True)
class MissingRow:
    """A sum over several days."""

    project_id: int
    reason: str
    root: str
    count: int
    last_day: date


def add_counts(tx: Transaction, counts: Mapping[MissingKey, int], most: int, other: str) -> None:
    """Add to the counters. An organization that has enough of them for a day counts new roots as the other one."""
    bounded: Counter[MissingKey] = Counter()
    for place in sorted({(key.organization_id, key.day) for key in counts}):
        stored = _keys_of(tx, *place)
        for key, count in counts.items():
            if (key.organization_id, key.day) == place:
                kept = key if key in stored or len(stored) < most else key._replace(root=other)
                bounded[kept] += count
                stored.add(kept)
    # In the order of the key: two workers that save at once cannot deadlock.
    rows = [{**key._asdict(), "count": count} for key, count in sorted(bounded.items())]
    new = insert_into(tx, MISSING_FRAMES)
    added = {"count": MISSING_FRAMES.c.count + new.excluded.count}
    tx.execute(new.on_conflict_do_update(index_elements=list(MISSING_FRAMES.primary_key), set_=added), rows)


def _keys_of(tx: Transaction, organization_id: int, day: date) -> set[MissingKey]:
    table = MISSING_FRAMES.c
    query = select(*(table[name] for name in MissingKey._fields))
    rows = tx.execute(query.where(table.organization_id == organization_id, table.day == day))
    return {MissingKey(*row) for row in rows}


def delete_before(tx: Transaction, day: date) -> None:
    """Delete the counters of all organizations from before a day."""
    tx.execute(delete(MISSING_FRAMES).where(MISSING_FRAMES.c.day < day))


def most_frequent(tx: Transaction, organization_id: int, since: date, limit: int) -> list[MissingRow]:
    """Return sums of the counters of an organization since a day, the largest first."""
    table = MISSING_FRAMES.c
    keys = (table.project_id, table.reason, table.root)
    total = func.sum(table.count)
    query = select(*keys, total.label("total"), func.max(table.day).label("last_day"))
    query = query.where(table.organization_id == organization_id, table.day >= since).group_by(*keys)
    rows = tx.execute(query.order_by(total.desc(), *keys).limit(limit))
    return [MissingRow(row.project_id, row.reason, row.root, int(row.total), row.last_day) for row in rows]
