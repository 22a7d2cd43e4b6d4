"""Read the text to link: lines as they arrive, or one JSON document as a whole."""

import json
import os
import re
import select
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from scmhost.frames import MAX_TEXT, read_text

if TYPE_CHECKING:
    from .linked_text import LinkedText

_BLOCK: Final = 1 << 16
# Longer lines are passed on in parts, which bounds memory. No frame is that long.
LONGEST_PART: Final = 1 << 20
# After this pause a line is printed without the lines that could still complete its frame.
IDLE_SECONDS: Final = 0.05
# A log line may start with a bracket too, for example "[ERROR]".
_DOCUMENT_START: Final = re.compile(r"\s*[\[{]\s*(?:$|[\[{\"])")


class TextLine(NamedTuple):
    """A line, or a part of a very long one: its text and its line ending."""

    text: str
    ending: str


class Chunk(NamedTuple):
    """Text that has arrived.

    Attributes:
        lines: complete lines.
        partial: the start of the next line, if the input is idle.
        idle: True if no more text arrived within ``IDLE_SECONDS``.
    """

    lines: list[TextLine]
    partial: str = ""
    idle: bool = False


def feed(descriptor: int, text: "LinkedText") -> Iterator[None]:
    """Feed a file or pipe to ``text``, and yield after each chunk. A JSON document is fed as a whole."""
    stream = read_stream(descriptor)
    for chunk in stream:
        if chunk.lines:
            text.take(_without_document(chunk, stream, text))
            yield
            break
        text.take(chunk)
        yield
    for chunk in stream:
        text.take(chunk)
        yield


def read_stream(descriptor: int) -> Iterator[Chunk]:
    """Yield the text of a file or pipe until it ends. Bytes that are not UTF-8 become lone surrogates."""
    rest = b""
    idle = False
    while True:
        if not idle and not _is_ready(descriptor):
            idle = True
            yield Chunk([], _decoded(rest), idle=True)
        block = os.read(descriptor, _BLOCK)
        if not block:
            break
        idle = False
        *whole, rest = (rest + block).split(b"\n")
        lines = [TextLine(_decoded(line), "\n") for line in whole]
        if len(rest) > LONGEST_PART:
            lines.append(TextLine(_decoded(rest), ""))
            rest = b""
        yield Chunk(lines)
    yield Chunk([TextLine(_decoded(rest), "")] if rest else [], idle=True)


def _is_ready(descriptor: int) -> bool:
    """True if input arrives within ``IDLE_SECONDS``. Windows cannot wait for pipes."""
    if sys.platform == "win32":
        return True
    return bool(select.select([descriptor], [], [], IDLE_SECONDS)[0])


def _decoded(line: bytes) -> str:
    return line.decode(errors="surrogateescape")


def _without_document(chunk: Chunk, stream: Iterator[Chunk], text: "LinkedText") -> Chunk:
    """Feed the JSON document at the start of the input, if there is one; return what follows it."""
    first = chunk.lines[0]
    if not _DOCUMENT_START.match(first.text):
        return chunk
    if _is_json(first.text):
        text.take_document([first], read_text(first.text).frames)
        return chunk._replace(lines=chunk.lines[1:])
    lines, size = list(chunk.lines), _size(chunk.lines)
    for more in stream:
        lines += more.lines
        size += _size(more.lines)
        if size > MAX_TEXT:
            break
    text.take_document(lines, read_text("".join(line.text + line.ending for line in lines)).frames)
    return Chunk([], idle=True)


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _size(lines: list[TextLine]) -> int:
    return sum(len(line.text) + 1 for line in lines)
