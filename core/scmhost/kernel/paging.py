"""Pages and cursors in the form that Sentry's clients read: ``<value>:<offset>:<is_prev>``."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from .errors import InvalidInput

T = TypeVar("T")

# Nine digits keep the offset inside every database's integer.
_CURSOR: Final = re.compile(r"\d{1,9}:(\d{1,9}):[01]", re.ASCII)


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page is wanted."""

    offset: int = 0
    size: int = 100


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some of a list. ``more`` says whether anything follows."""

    items: Sequence[T]
    request: PageRequest
    more: bool

    @property
    def next_cursor(self) -> str:
        return f"0:{self.request.offset + self.request.size}:0"

    @property
    def previous_cursor(self) -> str:
        return f"0:{max(0, self.request.offset - self.request.size)}:1"


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
    return PageRequest(int(found[1]), size)


def page_of(rows: Sequence[T], request: PageRequest) -> Page[T]:
    """A page from rows that were asked for with one more than its size."""
    return Page(rows[: request.size], request, more=len(rows) > request.size)
