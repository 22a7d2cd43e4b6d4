"""Statements that all queries share: ids, bulk inserts, keyset pages."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, NamedTuple, TypeVar

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    FromClause,
    Table,
    TableClause,
    Text,
    and_,
    column,
    func,
    literal,
    or_,
    select,
    table,
    text,
    update,
)
from sqlalchemy import Sequence as Series
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from scmhost.infra.paging import Page, PageRequest

from .base import AnyRow, AnySelect
from .columns import ID_LIMIT, Id, KeyText, LongText, UtcDateTime, checked_text
from .engine import KINDS, Transaction
from .errors import Duplicate, kind_of

V = TypeVar("V")

# SQLite takes 32,766 values in a statement, PostgreSQL 65,535.
_PIECE: Final = 5000

_FEW: Final = 1000

_BULK: Final = {
    "sqlite": "INSERT INTO {table} ({columns}) VALUES ({places})",
    "postgresql": "COPY {table} ({columns}) FROM STDIN (FORMAT BINARY)",
}


# A binary COPY says of each column what it holds.
_KINDS: Final[Mapping[type, str]] = {
    Id: "int8",
    BigInteger: "int8",
    KeyText: "text",
    LongText: "text",
    UtcDateTime: "timestamptz",
    Boolean: "bool",
}


def insert_into(tx: Transaction, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An insert that has ``on_conflict_do_nothing`` and ``on_conflict_do_update``."""
    return insert_for(tx.get_bind().dialect.name, table)


def insert_for(dialect: str, table: Table) -> postgresql.Insert | sqlite.Insert:
    """The same by the name of a dialect, for statements that are made once."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


def insert_unknown(tx: Transaction, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert the rows whose keys are not there yet. Rows in the order of a key never lock each other out."""
    if rows:
        tx.execute(insert_into(tx, table).on_conflict_do_nothing(), rows)


def write(tx: Transaction, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Write new rows as fast as the driver can. The values go to the driver as they are.

    Raises:
        IntegrityError: a row with such a key is there already.
    """
    if rows:
        names, places = ", ".join(columns), ", ".join("?" for _ in columns)
        statement = _BULK[tx.get_bind().dialect.name].format(table=table.name, columns=names, places=places)
        kinds = [_KINDS[type(table.c[name].type)] for name in columns]
        tx.connection().exec_driver_sql(statement, rows, execution_options={KINDS: kinds})


def for_driver(tx: Transaction, column: ColumnElement[V]) -> Callable[[V], Any]:
    """What makes a column's values those that the driver takes."""
    dialect = tx.get_bind().dialect
    return column.type.dialect_impl(dialect).bind_processor(dialect) or (lambda value: value)


def know_growth(tx: Transaction, table: Table, count: int) -> None:
    """Have PostgreSQL look at a table that many rows have just gone into, if it takes it for a small one.

    It would do so on its own, but only within a minute; until then it takes each condition to leave next to nothing,
    and reads all commits of a repository to find a few.
    """
    if count < _FEW // 2 or tx.get_bind().dialect.name != "postgresql":
        return
    size = text("SELECT reltuples FROM pg_class WHERE oid = CAST(:name AS regclass)")
    if tx.scalars(size, {"name": table.name}).one() < _FEW:
        # Whoever comes second need not wait.
        tx.execute(text(f"ANALYZE (SKIP_LOCKED) {table.name}"))


def given(tx: Transaction, values: Iterable[str]) -> FromClause:
    """A table of one column, ``value``, of any number of texts, which go to the database as one."""
    checked = [checked_text(value) for value in values]
    if tx.get_bind().dialect.name == "sqlite":
        return func.json_each(json.dumps(checked)).table_valued(column("value"))
    return func.unnest(literal(checked, postgresql.ARRAY(Text))).table_valued("value").render_derived()


def among(tx: Transaction, texts: ColumnElement[str], values: Iterable[str]) -> ColumnElement[bool]:
    """The condition that a text is one of any number of values."""
    return texts.in_(select(given(tx, values).c.value))


@contextmanager
def duplicates(tx: Transaction, message: str) -> Iterator[None]:
    """Undo what was tried and raise a Duplicate with this message, when a row with such a key is there already."""
    try:
        with tx.begin_nested():
            yield
    except IntegrityError as error:
        if kind_of(error) is not Duplicate:
            raise
        raise Duplicate(message) from error


def contested(tx: Transaction, message: str) -> AbstractContextManager[None]:
    """As ``duplicates``, for keys that another writer may take now. On SQLite there is no other writer."""
    return nullcontext() if tx.get_bind().dialect.name == "sqlite" else duplicates(tx, message)


def pieces(values: Iterable[V]) -> Iterator[list[V]]:
    """The values, each once, in lists that fit into a statement."""
    rest = iter(dict.fromkeys(values))
    while piece := list(islice(rest, _PIECE)):
        yield piece


def as_id(text: str) -> int | None:
    """The id that a text writes, or None when it writes none."""
    digits = text.isascii() and text.isdigit() and len(text) <= len(str(ID_LIMIT))
    return int(text) if digits else None


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


T = TypeVar("T")


class Key(NamedTuple):
    """A column by which a list is ordered."""

    column: ColumnElement[Any]
    descending: bool = False


Order = Sequence[Key]
"""Keys that together order a list wholly; the last one is the rows' ``id``, and no key is ever null."""


def paged(
    tx: Transaction, query: AnySelect, order: Order, request: PageRequest, read: Callable[[AnyRow], T]
) -> Page[T]:
    """A page of values. The rows have their id as ``id``."""
    beside = _beside(tx, query, order, request.beside)
    backwards = request.backwards and beside is not None
    rows = query.order_by(*ordered(order, backwards=backwards)).limit(request.size + 1)
    rows = rows.offset(request.offset) if beside is None else rows.where(_beyond(order, beside, backwards=backwards))
    found = tx.execute(rows).all()
    items = found[: request.size]
    if backwards:
        items = items[::-1]
    asked = PageRequest(request.offset, request.size, request.beside, backwards)
    edges = (items[0].id, items[-1].id) if items else _NO_EDGES
    return Page([read(row) for row in items], asked, len(found) > request.size, edges)


_NO_EDGES: Final = (0, 0)


def ordered(order: Order, *, backwards: bool = False) -> list[ColumnElement[Any]]:
    """The keys for ``order_by``."""
    return [key.column.desc() if key.descending != backwards else key.column.asc() for key in order]


def _beside(tx: Transaction, query: AnySelect, order: Order, id_: int) -> AnyRow | None:
    """The keys of the row with this id; without it, because it is gone meanwhile, the offset must do."""
    if not id_:
        return None
    keys = query.with_only_columns(*(key.column for key in order))
    return tx.execute(keys.where(order[-1].column == id_)).first()


def _beyond(order: Order, beside: AnyRow, *, backwards: bool) -> ColumnElement[bool]:
    """The condition for what comes after a row, or before it when backwards."""
    values = [literal(value, key.column.type) for key, value in zip(order, beside, strict=True)]
    steps = []
    for place, key in enumerate(order):
        same = [other.column == value for other, value in zip(order[:place], values[:place], strict=True)]
        lower = key.descending != backwards
        steps.append(and_(*same, key.column < values[place] if lower else key.column > values[place]))
    # Implied by the rest, and what lets a database begin in its index at once.
    first = order[0].column <= values[0] if order[0].descending != backwards else order[0].column >= values[0]
    return and_(first, or_(*steps))
