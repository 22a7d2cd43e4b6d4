"""A frame as printed, and where it stands in its text."""

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Frame:
    """One place that a stack trace names. ``path`` is exactly as printed; making it relative is a later step."""

    path: str
    line: int | None = None
    column: int | None = None
    function: str | None = None
    module: str | None = None
    language: str | None = None


class Spot(NamedTuple):
    """A frame within one line of text.

    Attributes:
        start: where the path begins; ``end`` is behind its line number where that is attached.
        back: how many lines above the line that was read the path stands.
    """

    frame: Frame
    start: int
    end: int
    back: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """A frame within a text. ``text_line`` counts from 0, and lines end at line feeds only."""

    frame: Frame
    text_line: int
    start: int
    end: int
