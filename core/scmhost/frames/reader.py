"""Reads a text line by line, offering each line to every notation in turn."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from .frame import Found, Spot
from .notations import NOTATIONS

MAX_TEXT: Final = 1_048_576


@dataclass(frozen=True, slots=True)
class Reading:
    """What was found in a text.

    Attributes:
        frames: the frames that name a source file, in the order of the text.
        unread: how many lines, blank ones aside, no notation understands.
        truncated: whether the text was longer than the limit and its rest was not read.
    """

    frames: tuple[Found, ...]
    unread: int
    truncated: bool


def read_text(text: str, *, limit: int = MAX_TEXT) -> Reading:
    """Read the frames of a text, of which at most ``limit`` characters are looked at, in whole lines."""
    kept = text if len(text) <= limit else text[: text.rfind("\n", 0, limit) + 1]
    frames: list[Found] = []
    unread = 0
    for number, line in enumerate(kept.split("\n")):
        spot = _understand(line)
        if spot is None:
            unread += bool(line.strip())
        elif _names_a_file(spot):
            frames.append(Found(spot.frame, number, spot.start, spot.end))
    return Reading(tuple(frames), unread, truncated=len(kept) < len(text))


def read_lines(lines: Iterable[str]) -> Iterator[Found]:
    """Read frames from a stream, as its lines arrive."""
    for number, line in enumerate(lines):
        spot = _understand(line)
        if spot is not None and _names_a_file(spot):
            yield Found(spot.frame, number, spot.start, spot.end)


def _understand(line: str) -> Spot | None:
    """The first notation's answer that has one."""
    bare = line.rstrip()
    return next((spot for notation in NOTATIONS if (spot := notation.read(bare))), None)


def _names_a_file(spot: Spot) -> bool:
    """``<string>``, ``<stdin>`` and ``<frozen importlib._bootstrap>`` are code without a file."""
    return not (spot.frame.path.startswith("<") and spot.frame.path.endswith(">"))
