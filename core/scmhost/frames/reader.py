"""Reads the frames of a text, or of a stream of lines as they arrive."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from .blocks import BlockReader
from .frame import Found

MAX_TEXT: Final = 1_048_576
MAX_FRAMES: Final = 10_000

# Hints that no line of a block has are not looked for in each of its lines.
_BLOCK: Final = 64


@dataclass(frozen=True, slots=True)
class Reading:
    """What was found in a text.

    Attributes:
        frames: the frames that name a source file, in the order of the text.
        unread: how many lines, blank ones aside, no notation understands.
        truncated: whether the text was longer than a limit and its rest was not read.
    """

    frames: tuple[Found, ...]
    unread: int
    truncated: bool


def read_text(text: str, *, limit: int = MAX_TEXT, most: int = MAX_FRAMES) -> Reading:
    """Read the frames of a text.

    Args:
        text: as it was pasted.
        limit: how many characters are looked at, in whole lines.
        most: how many frames are read.
    """
    kept = text if len(text) <= limit else text[: text.rfind("\n", 0, limit) + 1]
    reader = BlockReader()
    frames = list(islice(_read(kept.split("\n"), reader), most + 1))
    truncated = len(kept) < len(text) or len(frames) > most
    return Reading(tuple(frames[:most]), reader.unread, truncated)


def read_lines(lines: Iterable[str]) -> Iterator[Found]:
    """Read frames from a stream, each when the line after it has arrived."""
    reader = BlockReader()
    waiting: str | None = None
    for line in lines:
        if waiting is not None:
            yield from reader.read([waiting], line)
        waiting = line.removesuffix("\n")
    if waiting is not None:
        yield from reader.read([waiting])


def _read(lines: list[str], reader: BlockReader) -> Iterator[Found]:
    for begin in range(0, len(lines), _BLOCK):
        end = begin + _BLOCK
        yield from reader.read(lines[begin:end], lines[end] if end < len(lines) else "")
