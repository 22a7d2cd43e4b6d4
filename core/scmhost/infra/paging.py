"""Pages and cursors in the form that Sentry's clients read: ``<value>:<offset>:<is_prev>``."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from .errors import InvalidInput

T = TypeVar("T")
V = TypeVar("V")

# Sixteen digits hold every id. With nine the offset fits into the integer of every database.
_CURSOR: Final = re.compile(r"(\d{1,16}):(\d{1,9}):([01])", re.ASCII)


@dataclass(frozen=True, slots=True)
class PageQuery:
    """Which page of a list to return.

    Attributes:
        offset: the number of objects before the page, as far as is known.
        size: the maximum number of objects on the page.
        beside: the id of the object next to the page, or 0. The database finds it by its key: the last page costs as
            much as the first one, and no object is skipped when others are added or deleted between two requests.
        backwards: whether the page comes before that object instead of after it.
    """

    offset: int = 0
    size: int = 100
    beside: int = 0
    backwards: bool = False


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A page of a list. ``edges`` are the ids of its first and its last object, or zeros if they are not known."""

    items: Sequence[T]
    request: PageQuery
    more: bool
    edges: tuple[int, int] = (0, 0)

    def showing(self, items: Sequence[V]) -> "Page[V]":
        """Return the same page with other items, such as answers in place of rows."""
        return Page(items, self.request, self.more, self.edges)

    @property
    def has_next(self) -> bool:
        """Whether there are objects after this page."""
        return self.request.backwards or self.more

    @property
    def has_previous(self) -> bool:
        """Whether there are objects before this page."""
        return self.more if self.request.backwards else self.request.offset > 0

    @property
    def next_cursor(self) -> str:
        return f"{self.edges[1]}:{self.request.offset + self.request.size}:0"

    @property
    def previous_cursor(self) -> str:
        # If there is no previous page, the cursor has no id and leads to the first page.
        beside = self.edges[0] if self.has_previous else 0
        return f"{beside}:{max(0, self.request.offset - self.request.size)}:1"


def read_cursor(cursor: str | None, size: int) -> PageQuery:
    """Return the page that a cursor names: without a cursor, the first page.

    Raises:
        InvalidInput: the cursor is malformed.
    """
    if not cursor:
        return PageQuery(0, size)
    match = _CURSOR.fullmatch(cursor)
    if not match:
        raise InvalidInput(f"cursor {cursor[:40]!r} is not valid; begin without a cursor", "cursor")
    # Without an id the page is found by its offset, and has no direction.
    return PageQuery(int(match[2]), size, int(match[1]), backwards=match[3] == "1" and match[1] != "0")


def page_of(rows: Sequence[T], request: PageQuery) -> Page[T]:
    """Return a page of rows that were read with a limit of one more than its size."""
    return Page(rows[: request.size], request, more=len(rows) > request.size)
