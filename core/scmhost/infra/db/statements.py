"""Statements that all queries share: ids, bulk inserts, lists of values, and keyset pages."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

import msgspec
from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Connection,
    Dialect,
    Executable,
    FromClause,
    Integer,
    SelectBase,
    Table,
    TableClause,
    Text,
    UpdateBase,
    and_,
    bindparam,
    column,
    func,
    literal,
    or_,
    select,
    table,
    text,
)
from sqlalchemy import Sequence as Series
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine.result import IteratorResult, SimpleResultMetaData
from sqlalchemy.exc import DBAPIError, IntegrityError

from scmhost.infra.paging import Page, PageQuery

from .base import ID_LIMIT, AnyRow, AnySelect, Id, checked_text, insert_for, is_text, load_json
from .engine import Transaction
from .errors import Duplicate, kind_of

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

V = TypeVar("V")

# SQLite allows 32,766 values in a statement, PostgreSQL 65,535.
_PIECE: Final = 5000

# Once its statistics report this many rows, a table is left to autovacuum.
_FEW: Final = 1000


def insert_into(tx: Transaction, table: Table) -> "postgresql.Insert | sqlite.Insert":
    """Return an insert for the dialect of a transaction: see ``insert_for``."""
    return insert_for(tx.get_bind().dialect.name, table)


def insert_missing(tx: Transaction, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert the rows whose keys do not exist yet. Sort the rows by key: writers in the same order cannot deadlock."""
    if rows:
        tx.execute(insert_into(tx, table).on_conflict_do_nothing(), rows)


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
    dialect = tx.get_bind().dialect.name
    return _texts_table(dialect, literal(text_list(dialect, values), _LIST_TYPES[dialect]))


def texts_parameter(dialect: str, name: str) -> FromClause:
    """Return such a table, of the texts in a parameter, for a statement that is built once."""
    return _texts_table(dialect, bindparam(name, type_=_LIST_TYPES[dialect]))


def text_list(dialect: str, values: Iterable[str]) -> str | list[str]:
    """Return the value of such a parameter."""
    checked = check_texts(values)
    return json.dumps(checked) if dialect == "sqlite" else checked


_LIST_TYPES: Final[Mapping[str, Any]] = {"sqlite": Text(), "postgresql": ARRAY(Text)}


def _texts_table(dialect: str, texts: ColumnElement[Any]) -> FromClause:
    if dialect == "sqlite":
        return func.json_each(texts).table_valued(column("value"))
    return func.unnest(texts).table_valued("value").render_derived()


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
    return select(func.unnest(bindparam(name, type_=ARRAY(BigInteger))))


def numbered_parameter(dialect: str, name: str) -> FromClause:
    """Return a table of the numbers in one parameter, with the columns ``position``, from 0, and ``value``."""
    if dialect == "sqlite":
        items = func.json_each(bindparam(name, type_=Text)).table_valued(column("key"), column("value"))
        return select(items.c.key.label("position"), items.c.value).subquery()
    numbers = func.unnest(bindparam(name, type_=ARRAY(BigInteger)))
    items = numbers.table_valued("value", with_ordinality="ordinal").render_derived()
    return select((items.c.ordinal - 1).label("position"), items.c.value).subquery()


def number_list(dialect: str, numbers: Iterable[int]) -> str | list[int]:
    """Return the value of such a parameter."""
    return msgspec.json.encode(list(numbers)).decode() if dialect == "sqlite" else list(numbers)


class _Compiled(NamedTuple):
    """A query as text for a driver, its constants, and the functions that convert parameters and columns for it."""

    text: str
    constants: dict[str, Any]
    parameters: tuple[tuple[str, Callable[[Any], Any] | None], ...]
    columns: tuple[tuple[int, Callable[[Any], Any]], ...]


def run_on_driver(connection: Connection, statement: str, parameters: Any = ()) -> Any:
    """Run a short statement, and return the driver's cursor: SQLAlchemy takes several times as long for it.

    Raises:
        DBAPIError: as SQLAlchemy would raise it.
    """
    driver: Any = connection.connection.driver_connection
    faults = connection.dialect.loaded_dbapi.Error
    try:
        return driver.execute(statement, parameters)
    except faults as error:
        raise DBAPIError.instance(statement, None, error, faults, hide_parameters=True) from error


class DriverQuery:
    """A query that is compiled once for each kind of database and executed by its driver. The rows are plain tuples.

    For a short query SQLAlchemy takes several times as long as the driver. Use it where each frequent request reads,
    or writes one row: an insert or an update is a query of the rows that it returns.
    """

    def __init__(self, build: Callable[[str], SelectBase | UpdateBase]) -> None:
        """Prepare a query, which ``build`` returns for the name of a dialect."""
        self._build = build
        self._compiled: dict[str, _Compiled] = {}

    def rows(self, tx: Transaction, values: Mapping[str, Any], *, lone: bool = False) -> list[tuple[Any, ...]]:
        """Return all rows for the values of parameters. ``lone``: see ``Transaction.connection_for_one``."""
        connection = tx.connection_for_one() if lone else tx.connection()
        text, constants, parameters, columns = self.compiled(connection.dialect)
        sent = constants | {name: read(values[name]) if read else values[name] for name, read in parameters}
        cursor = run_on_driver(connection, text, sent)
        rows: list[tuple[Any, ...]] = cursor.fetchall() if cursor.description else []
        return [_converted(row, columns) for row in rows] if columns else rows

    def compiled(self, dialect: Dialect) -> _Compiled:
        """Return the query for a dialect."""
        known = self._compiled.get(dialect.name)
        if known is None:
            known = self._compiled[dialect.name] = _compiled(self._build(dialect.name), dialect)
        return known


def _compiled(query: SelectBase | UpdateBase, dialect: Dialect) -> _Compiled:
    # Parameters have names with both drivers then.
    named = sqlite.dialect(paramstyle="named", json_deserializer=load_json) if dialect.name == "sqlite" else dialect
    compiled = query.compile(dialect=named)
    converters = {name: bind.type.dialect_impl(named).bind_processor(named) for name, bind in compiled.binds.items()}
    readers = [item.type.dialect_impl(named).result_processor(named, None) for item in query.exported_columns]
    return _Compiled(
        str(compiled),
        {name: convert(value) if (convert := converters[name]) else value for name, value in compiled.params.items()},
        tuple((name, converters[name]) for name, value in compiled.params.items() if value is None),
        tuple((place, reader) for place, reader in enumerate(readers) if reader),
    )


def _converted(row: tuple[Any, ...], columns: Iterable[tuple[int, Callable[[Any], Any]]]) -> tuple[Any, ...]:
    values = list(row)
    for place, read in columns:
        values[place] = read(values[place])
    return tuple(values)


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


def batches(values: Iterable[V]) -> Iterator[list[V]]:
    """Return the distinct values in lists that fit into one statement."""
    # A dict keeps the order, so that the statements of two equal requests are equal.
    rest = iter(dict.fromkeys(values))
    while piece := list(islice(rest, _PIECE)):
        yield piece


class KeyQuery:
    """A query of an organization's rows by the ids or short texts in a column, of which there may be any number.

    It is a ``DriverQuery``, whose rows have names here.
    """

    def __init__(self, query: AnySelect, organization: ColumnElement[int], key: ColumnElement[Any]) -> None:
        own = query.where(organization == bindparam("organization"))
        kind = BigInteger() if isinstance(key.type, Id) else Text()
        self._key: Any = key.type
        self._names = SimpleResultMetaData([str(column.key) for column in query.selected_columns])
        self._query = DriverQuery(lambda dialect: own.where(_is_one_of(dialect, key, kind)))

    def rows(self, tx: Transaction, organization_id: int, keys: Iterable[Any]) -> Iterator[AnyRow]:
        """Return the rows with one of these values.

        Raises:
            BadText: no database takes one of them.
        """
        dialect = tx.get_bind().dialect
        sent: Any = [self._key.process_bind_param(key, dialect) for key in dict.fromkeys(keys)]
        if not sent:
            return iter(())
        values = {"organization": organization_id, "keys": json.dumps(sent) if dialect.name == "sqlite" else sent}
        return iter(IteratorResult(self._names, iter(self._query.rows(tx, values))))


def _is_one_of(dialect: str, key: ColumnElement[Any], kind: Any) -> ColumnElement[bool]:
    if dialect == "sqlite":
        return key.in_(select(texts_parameter(dialect, "keys").c.value))
    return key == func.any(bindparam("keys", type_=ARRAY(kind)))


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
        # The lock of the writing transaction makes this atomic. Each write does it, so it is left to the driver.
        (end,) = run_on_driver(tx.connection(), _NEXT_OF_ROW.format(of.row.name), (count,)).fetchone()
        return range(end - count, end)
    return tx.scalars(_next_of_series(of), {"count": count}).all()


_NEXT_OF_ROW: Final = "UPDATE {} SET next = next + ? RETURNING next"


@cache
def _next_of_series(of: IdSeries) -> Executable:
    count = func.generate_series(1, bindparam("count", type_=Integer))
    return select(of.series.next_value()).select_from(count.table_valued("n"))


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
