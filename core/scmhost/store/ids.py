"""One series of ids for all tables, so that an id of one kind or organization is never another's."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Sequence as Series
from sqlalchemy import column, func, select, table, update

from .engine import Transaction

_SERIES: Final = Series("scmhost_ids")
_ROW: Final = table("id_series", column("next"))


def take(tx: Transaction, count: int) -> Sequence[int]:
    """So many new ids, rising. SQLite has no series: a row of its own counts, inside the writer's lock."""
    if count < 1:
        return range(0)
    if tx.get_bind().dialect.name == "sqlite":
        end = tx.execute(update(_ROW).values(next=_ROW.c.next + count).returning(_ROW.c.next)).scalar_one()
        return range(end - count, end)
    numbers = func.generate_series(1, count).table_valued("n")
    return tx.scalars(select(_SERIES.next_value()).select_from(numbers)).all()


def take_one(tx: Transaction) -> int:
    """A new id."""
    return take(tx, 1)[0]
