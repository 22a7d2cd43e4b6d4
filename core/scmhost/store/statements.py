"""What the queries share: inserts, in bulk and past known rows, long lists, and the words for a duplicate."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import islice
from typing import Any, Final, TypeVar

from sqlalchemy import BigInteger, Boolean, ColumnElement, FromClause, Table, Text, column, func, literal, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

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
