"""One series of ids for all tables, so that an id of one kind or organization is never another's.

The audit log has a series beside it: that something is noted moves nobody's ids.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Sequence as Series
from sqlalchemy import TableClause, column, func, select, table, update

from .engine import Transaction


@dataclass(frozen=True, slots=True)
class IdSeries:
    """A series on PostgreSQL, and the row that counts in its place on SQLite."""

    series: Series
    row: TableClause


COMMON: Final = IdSeries(Series("scmhost_ids"), table("id_series", column("next")))
AUDIT: Final = IdSeries(Series("scmhost_audit_ids"), table("audit_id_series", column("next")))


def take(tx: Transaction, count: int, of: IdSeries = COMMON) -> Sequence[int]:
    """So many new ids, rising. SQLite has no series: a row of its own counts, inside the writer's lock."""
    if count < 1:
        return range(0)
    if tx.get_bind().dialect.name == "sqlite":
        row = of.row
        end = tx.execute(update(row).values(next=row.c.next + count).returning(row.c.next)).scalar_one()
        return range(end - count, end)
    numbers = func.generate_series(1, count).table_valued("n")
    return tx.scalars(select(of.series.next_value()).select_from(numbers)).all()


def take_one(tx: Transaction, of: IdSeries = COMMON) -> int:
    """A new id."""
    return take(tx, 1, of)[0]
