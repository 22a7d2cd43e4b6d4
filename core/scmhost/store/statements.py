"""What the queries share: inserts that pass over known rows, pieces, and the words for a duplicate."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, Final, TypeVar

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from .columns import ID_LIMIT
from .engine import Transaction
from .errors import Duplicate, kind_of

V = TypeVar("V")

# SQLite takes 32,766 values in a statement, PostgreSQL 65,535.
_PIECE: Final = 5000


def insert_into(tx: Transaction, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An insert that has ``on_conflict_do_nothing`` and ``on_conflict_do_update``."""
    if tx.get_bind().dialect.name == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)


def insert_unknown(tx: Transaction, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert the rows whose keys are not there yet. Rows in the order of a key never lock each other out."""
    if rows:
        tx.execute(insert_into(tx, table).on_conflict_do_nothing(), rows)


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


def pieces(values: Iterable[V]) -> Iterator[list[V]]:
    """The values, each once, in lists that fit into a statement."""
    rest = iter(dict.fromkeys(values))
    while piece := list(islice(rest, _PIECE)):
        yield piece


def as_id(text: str) -> int | None:
    """The id that a text writes, or None when it writes none."""
    digits = text.isascii() and text.isdigit() and len(text) <= len(str(ID_LIMIT))
    return int(text) if digits else None
