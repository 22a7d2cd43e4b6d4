"""Statements that all queries share: ids, bulk inserts, lists of values, and keyset pages."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from itertools import chain, islice
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
    bindparam,
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

from scmhost.infra.paging import Page, PageQuery

from .base import ID_LIMIT, AnyRow, AnySelect, Base, Id, KeyText, LongText, UtcDateTime, checked_text, is_text
from .drivers import KINDS
from .engine import Transaction
from .errors import Duplicate, kind_of

V = TypeVar("V")

# SQLite allows 32,766 values in a statement, PostgreSQL 65,535.
_PIECE: Final = 5000

# Once its statistics report this many rows, a table is left to autovacuum.
_FEW: Final = 1000

_INSERT: Final = "INSERT INTO {} ({}) VALUES {}"
# Rows in one statement on SQLite: a call of the driver for each row costs more.
_ROWS: Final = 200

# A binary COPY needs the type of each column.
_KINDS: Final[Mapping[type, str]] = {
    Id: "int8",
    BigInteger: "int8",
    KeyText: "text",
    LongText: "text",
    UtcDateTime: "timestamptz",
    Boolean: "bool",
}


def insert_into(tx: Transaction, table: Table) -> postgresql.Insert | sqlite.Insert:
    """Return an insert that has ``on_conflict_do_nothing`` and ``on_conflict_do_update``."""
    return insert_for(tx.get_bind().dialect.name, table)


def insert_for(dialect: str, table: Table) -> postgresql.Insert | sqlite.Insert:
    """Return the same insert by the name of a dialect, for statements that are built once."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


def insert_missing(tx: Transaction, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert the rows whose keys do not exist yet. Sort the rows by key: writers in the same order cannot deadlock."""
    if rows:
        tx.execute(insert_into(tx, table).on_conflict_do_nothing(), rows)


def write(tx: Transaction, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert new rows with the fastest method of the driver. Values are not converted: see ``driver_converter``.

    Raises:
        IntegrityError: a row with one of the keys exists already.
    """
    if not rows:
        return
    names, connection = ", ".join(columns), tx.connection()
    if connection.dialect.name == "postgresql":
        kinds = [_KINDS[type(table.c[name].type)] for name in columns]
        copy = f"COPY {table.name} ({names}) FROM STDIN (FORMAT BINARY)"
        connection.exec_driver_sql(copy, list(rows), execution_options={KINDS: kinds})
        return
    places = f"({', '.join('?' for _ in columns)})"
    one, many = (_INSERT.format(table.name, names, ", ".join([places] * count)) for count in (1, _ROWS))
    rest = len(rows) % _ROWS
    for start in range(0, len(rows) - rest, _ROWS):
        connection.exec_driver_sql(many, tuple(chain.from_iterable(rows[start : start + _ROWS])))
    if rest:
        connection.exec_driver_sql(one, list(rows[-rest:]))


def driver_converter(tx: Transaction, column: ColumnElement[V]) -> Callable[[V], Any]:
    """Return the function that converts values of a column for the driver."""
    dialect = tx.get_bind().dialect
    return column.type.dialect_impl(dialect).bind_processor(dialect) or (lambda value: value)


def analyze_if_grown(tx: Transaction, table: Table, count: int) -> None:
    """Update PostgreSQL's statistics of a table after many new rows, if they still describe it as a small one.

    Autovacuum does so only within a minute. Until then the planner expects few rows everywhere, and reads all commits
    of a repository to find a few.
    """
    if count < _FEW // 2 or tx.get_bind().dialect.name != "postgresql":
        return
    size = text("SELECT reltuples FROM pg_class WHERE oid = CAST(:name AS regclass)")
    if tx.scalars(size, {"name": table.name}).one() < _FEW:
        # SKIP_LOCKED: another writer is updating the statistics already.
        tx.execute(text(f"ANALYZE (SKIP_LOCKED) {table.name}"))


def values_table(tx: Transaction, values: Iterable[str]) -> FromClause:
    """Return a table of texts with the column ``value``. They are one parameter, so there may be any number."""
    checked = check_texts(values)
    if tx.get_bind().dialect.name == "sqlite":
        return func.json_each(json.dumps(checked)).table_valued(column("value"))
    return func.unnest(literal(checked, postgresql.ARRAY(Text))).table_valued("value").render_derived()


def check_texts(values: Iterable[str]) -> list[str]:
    """Return the texts, if every database takes them.

    Raises:
        BadText: one of them contains a NUL character or a lone surrogate.
    """
    texts = list(values)
    # All at once is much faster than one by one, which names the bad one.
    if not is_text("".join(texts)):
        texts = [checked_text(text) for text in texts]
    return texts


def in_values(tx: Transaction, texts: ColumnElement[str], values: Iterable[str]) -> ColumnElement[bool]:
    """Return the condition that a text is one of the values, of which there may be any number."""
    return texts.in_(select(values_table(tx, values).c.value))


def numbers_parameter(dialect: str, name: str) -> AnySelect:
    """Return a query of the numbers in one parameter, for ``in_`` in a statement that is built once."""
    if dialect == "sqlite":
        return select(func.json_each(bindparam(name, type_=Text)).table_valued(column("value")).c.value)
    return select(func.unnest(bindparam(name, type_=postgresql.ARRAY(BigInteger))))


def number_list(dialect: str, numbers: Iterable[int]) -> str | list[int]:
    """Return the value of such a parameter."""
    return json.dumps(list(numbers)) if dialect == "sqlite" else list(numbers)


@contextmanager
def duplicates(tx: Transaction, message: str) -> Iterator[None]:
    """Turn a violated unique key into a Duplicate with this message. The transaction stays usable."""
    try:
        # PostgreSQL refuses all statements of a transaction after an error, so the attempt gets a savepoint.
        with tx.begin_nested():
            yield
    except IntegrityError as error:
        if kind_of(error) is not Duplicate:
            raise
        raise Duplicate(message) from error


def duplicates_if_concurrent(tx: Transaction, message: str) -> AbstractContextManager[None]:
    """Do the same as ``duplicates`` where only a concurrent writer can violate the key: on SQLite there is none."""
    return nullcontext() if tx.get_bind().dialect.name == "sqlite" else duplicates(tx, message)


def count_rows(tx: Transaction, name: str, organization_id: int, most: int | None = None) -> int:
    """Return how many rows of a table an organization has, at most ``most``."""
    rows = Base.metadata.tables[name]
    own = select(literal(1)).where(rows.c.organization_id == organization_id).limit(most).subquery()
    return tx.scalar(select(func.count()).select_from(own)) or 0


def batches(values: Iterable[V]) -> Iterator[list[V]]:
    """Return the distinct values in lists that fit into one statement."""
    # A dict keeps the order, so that the statements of two equal requests are equal.
    rest = iter(dict.fromkeys(values))
    while piece := list(islice(rest, _PIECE)):
        yield piece


def as_id(text: str) -> int | None:
    """Return the id that a text contains, or None if it is no id."""
    # isdigit() is also true for digits of other scripts.
    digits = text.isascii() and text.isdigit() and len(text) <= len(str(ID_LIMIT))
    return int(text) if digits else None


@dataclass(frozen=True, slots=True)
class IdSeries:
    """A sequence on PostgreSQL, and the table with one row that replaces it on SQLite."""

    series: Series
    row: TableClause


# All rows but audit entries share a sequence, so that an id of the wrong kind matches no row.
COMMON: Final = IdSeries(Series("scmhost_ids"), table("id_series", column("next")))
AUDIT: Final = IdSeries(Series("scmhost_audit_ids"), table("audit_id_series", column("next")))


def new_ids(tx: Transaction, count: int, of: IdSeries = COMMON) -> Sequence[int]:
    """Return new ids in ascending order."""
    if count < 1:
        return range(0)
    if tx.get_bind().dialect.name == "sqlite":
        # The lock of the writing transaction makes this atomic.
        row = of.row
        end = tx.execute(update(row).values(next=row.c.next + count).returning(row.c.next)).scalar_one()
        return range(end - count, end)
    numbers = func.generate_series(1, count).table_valued("n")
    return tx.scalars(select(of.series.next_value()).select_from(numbers)).all()


def new_id(tx: Transaction, of: IdSeries = COMMON) -> int:
    """Return a new id."""
    return new_ids(tx, 1, of)[0]


T = TypeVar("T")


class SortKey(NamedTuple):
    """A column by which a list is ordered."""

    column: ColumnElement[Any]
    descending: bool = False


Order = Sequence[SortKey]
"""Columns that together define a total order. The last one is the rows' ``id``, and no column is ever null."""


def fetch_page(
    tx: Transaction, query: AnySelect, order: Order, request: PageQuery, read: Callable[[AnyRow], T]
) -> Page[T]:
    """Return a page of a query's rows, converted by ``read``. The rows must have a column ``id``."""
    beside = _beside(tx, query, order, request.beside)
    backwards = request.backwards and beside is not None
    # One row more than the page has: it shows whether another page follows.
    rows = query.order_by(*ordered(order, backwards=backwards)).limit(request.size + 1)
    rows = rows.offset(request.offset) if beside is None else rows.where(_beyond(order, beside, backwards=backwards))
    fetched = tx.execute(rows).all()
    items = fetched[: request.size]
    if backwards:
        items = items[::-1]
    actual = PageQuery(request.offset, request.size, request.beside, backwards)
    edges = (items[0].id, items[-1].id) if items else _NO_EDGES
    return Page([read(row) for row in items], actual, len(fetched) > request.size, edges)


_NO_EDGES: Final = (0, 0)


def ordered(order: Order, *, backwards: bool = False) -> list[ColumnElement[Any]]:
    """Return the arguments for ``order_by``."""
    return [key.column.desc() if key.descending != backwards else key.column.asc() for key in order]


def _beside(tx: Transaction, query: AnySelect, order: Order, id_: int) -> AnyRow | None:
    """Return the sort keys of the row with this id, or None if it was deleted; then the page is found by its offset."""
    if not id_:
        return None
    keys = query.with_only_columns(*(key.column for key in order))
    return tx.execute(keys.where(order[-1].column == id_)).first()


def _beyond(order: Order, beside: AnyRow, *, backwards: bool) -> ColumnElement[bool]:
    """Return the condition for rows after another row, or before it if backwards."""
    values = [literal(value, key.column.type) for key, value in zip(order, beside, strict=True)]
    steps = []
    for position, key in enumerate(order):
        same = [other.column == value for other, value in zip(order[:position], values[:position], strict=True)]
        lower = key.descending != backwards
        steps.append(and_(*same, key.column < values[position] if lower else key.column > values[position]))
    # The rest implies this condition, but it lets the database start at the right place of its index.
    first = order[0].column <= values[0] if order[0].descending != backwards else order[0].column >= values[0]
    return and_(first, or_(*steps))
