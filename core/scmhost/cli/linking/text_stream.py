"""Reads text as it comes: whole lines, and word of it when nothing more seems to come for now."""

import os
import select
import sys
from collections.abc import Iterator
from typing import Final, NamedTuple

_BLOCK: Final = 1 << 16
# Longer lines are passed on in parts: no frame is so long, and memory stays what it is.
LONGEST_PART: Final = 1 << 20
# Without a line for so long, what waits for its next line is shown without it.
IDLE_SECONDS: Final = 0.05


class Line(NamedTuple):
    """A line, or a part of a very long one: its text, and what ended it."""

    text: str
    ending: str


class Arrived(NamedTuple):
    """What has come.

    Attributes:
        lines: the lines that are whole.
        begun: the beginning of the next, when nothing more seems to come.
        idle: whether nothing more seems to come for now.
    """

    lines: list[Line]
    begun: str = ""
    idle: bool = False


def read_stream(descriptor: int) -> Iterator[Arrived]:
    """What comes from a file or a pipe until it ends. Bytes that are no UTF-8 are kept as half characters."""
    rest = b""
    quiet = False
    while True:
        if not quiet and not _is_ready(descriptor):
            quiet = True
            yield Arrived([], _text(rest), idle=True)
        block = os.read(descriptor, _BLOCK)
        if not block:
            break
        quiet = False
        *whole, rest = (rest + block).split(b"\n")
        lines = [Line(_text(line), "\n") for line in whole]
        if len(rest) > LONGEST_PART:
            lines.append(Line(_text(rest), ""))
            rest = b""
        yield Arrived(lines)
    yield Arrived([Line(_text(rest), "")] if rest else [], idle=True)


def _is_ready(descriptor: int) -> bool:
    """Whether something is there to be read soon. Files always are; Windows cannot tell of pipes."""
    if sys.platform == "win32":
        return True
    return bool(select.select([descriptor], [], [], IDLE_SECONDS)[0])


def _text(line: bytes) -> str:
    return line.decode(errors="surrogateescape")
