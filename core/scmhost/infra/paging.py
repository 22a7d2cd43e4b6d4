"""Pages and cursors in the form that Sentry's clients read: ``<value>:<offset>:<is_prev>``."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from .errors import InvalidInput

T = TypeVar("T")
V = TypeVar("V")

# Sixteen digits hold every id, and nine keep the offset inside every database's integer.
_CURSOR: Final = re.compile(r"(\d{1,16}):(\d{1,9}):([01])", re.ASCII)


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page is wanted.

    Attributes:
        offset: how many objects come before the page, as far as is known.
        size: how many objects the page has at most.
        beside: the id of the object beside which the page begins, or 0. It is found by its key, so that the last page
            costs what the first one does, and that nothing is passed over when others come and go meanwhile.
        backwards: whether the page comes before that object, not after it.
    """

    offset: int = 0
    size: int = 100
    beside: int = 0
    backwards: bool = False


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some of a list. ``edges`` are the ids of its first and its last object, where they are known."""

    items: Sequence[T]
    request: PageRequest
    more: bool
    edges: tuple[int, int] = (0, 0)

    def showing(self, items: Sequence[V]) -> "Page[V]":
        """The same page with what is shown in place of what is stored."""
        return Page(items, self.request, self.more, self.edges)

    @property
    def has_next(self) -> bool:
        """Whether anything follows."""
        return self.request.backwards or self.more

    @property
    def has_previous(self) -> bool:
        """Whether anything comes before."""
        return self.more if self.request.backwards else self.request.offset > 0

    @property
    def next_cursor(self) -> str:
        return f"{self.edges[1]}:{self.request.offset + self.request.size}:0"

    @property
    def previous_cursor(self) -> str:
        beside = self.edges[0] if self.has_previous else 0
        return f"{beside}:{max(0, self.request.offset - self.request.size)}:1"


def read_cursor(cursor: str | None, size: int) -> PageRequest:
    """The page that a cursor names; an empty or missing one names the first.

    Raises:
        InvalidInput: the cursor is not one that scmhost handed out.
    """
    if not cursor:
        return PageRequest(0, size)
    found = _CURSOR.fullmatch(cursor)
    if not found:
        raise InvalidInput(f"cursor {cursor[:40]!r} is not one of ours; begin without a cursor", "cursor")
    return PageRequest(int(found[2]), size, int(found[1]), backwards=found[3] == "1" and found[1] != "0")


def page_of(rows: Sequence[T], request: PageRequest) -> Page[T]:
    """A page from rows that were asked for with one more than its size."""
    return Page(rows[: request.size], request, more=len(rows) > request.size)
