"""Pages of lists, found by the key of the row beside which they begin: the last one costs what the first one does."""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, TypeVar

from sqlalchemy import ColumnElement, and_, literal, or_

from scmhost.kernel.paging import Page, PageRequest

from .engine import Transaction
from .tables import AnyRow, AnySelect

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
