"""Link text line by line, while it arrives: read a pipe or a file, hold lines until they are complete, print them."""

import json
import os
import re
import select
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from scmhost.frames import MAX_TEXT, FrameMatch, LineReader, read_text
from scmhost.frames.notation import MAX_LINES_BACK
from scmhost.frames.reports import begins_xml

from .formats import Format, LinkedFrame, shifted
from .summary import LinkCounts

_BLOCK: Final = 1 << 16
# Longer lines are passed on in parts, which bounds memory. No frame is that long.
LONGEST_PART: Final = 1 << 20
# After this time a line is printed without the lines that could still complete its frame.
IDLE_SECONDS: Final = 0.05
# In UTF-8 a character begins with 0xxxxxxx or 11xxxxxx, and continues with 10xxxxxx.
_LONGEST_CHARACTER: Final = 4
_FIRST_CONTINUATION: Final = 0x80
_FIRST_LEAD: Final = 0xC0
# A log line may start with a bracket too, for example "[ERROR]".
_DOCUMENT_START: Final = re.compile(r"\s*[\[{]\s*(?:$|[\[{\"])")

LinkFunction = Callable[[Sequence[FrameMatch]], Sequence[LinkedFrame]]


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


@dataclass(slots=True)
class _HeldLine:
    """A line that is not printed yet. The first ``printed`` characters of it are."""

    line: TextLine
    printed: int = 0
    frames: list[FrameMatch] = field(default_factory=list)


class LinkedText:
    """Prints text with links. A line is held until no later line can add a frame to it, or until the input is idle.

    Attributes:
        counts: the frames so far.
        is_open: True after a line without an ending.
    """

    def __init__(self, link: LinkFunction, form: Format, counts: LinkCounts | None = None) -> None:
        self.counts = LinkCounts() if counts is None else counts
        self._link = link
        self._form = form
        self._reader = LineReader()
        self._held: deque[_HeldLine] = deque()
        # The reader's number of the first held line.
        self._first = 0
        self._partial = 0
        self.is_open = False

    @property
    def unread(self) -> int:
        """Number of lines that belong to no trace."""
        return self._reader.unread

    def take(self, chunk: Chunk) -> None:
        """Read a chunk, and print the lines that are complete."""
        for line in chunk.lines:
            self._held.append(_HeldLine(line, self._partial))
            self._partial = 0
        self._assign(self._reader.feed_all([line.text for line in chunk.lines]))
        if chunk.idle:
            self._assign(self._reader.flush())
        # A later line can complete a frame only that many lines above it.
        self._release(0 if chunk.idle else MAX_LINES_BACK)
        if len(chunk.partial) > self._partial:
            self._form.part(chunk.partial[self._partial :])
            self._partial = len(chunk.partial)

    def take_document(self, lines: Sequence[TextLine], frames: Iterable[FrameMatch]) -> None:
        """Print the lines of a document whose frames are all known."""
        self._held.extend(_HeldLine(line) for line in lines)
        self._assign(frames)
        self._release(0)
        # The reader has not counted these lines.
        self._first -= len(lines)

    def _assign(self, frames: Iterable[FrameMatch]) -> None:
        for found in frames:
            index = found.text_line - self._first
            # The frame's line is printed already: its link goes below the line that completed it.
            late = index < 0
            self._held[-1 if late else index].frames.append(found._replace(start=0, end=0) if late else found)

    def _release(self, keep: int) -> None:
        ready = [self._held.popleft() for _ in range(max(len(self._held) - keep, 0))]
        self._first += len(ready)
        linked = iter(self._link([found for held in ready for found in held.frames]))
        for held in ready:
            frames = [next(linked) for _ in held.frames]
            self.counts.add(frames)
            self._form.line(held.line.text[held.printed :], held.line.ending, _unprinted(frames, held.printed))
            self.is_open = not held.line.ending


def _unprinted(frames: Sequence[LinkedFrame], printed: int) -> Sequence[LinkedFrame]:
    """Return the frames in the rest of a line whose start is printed already."""
    return [frame for frame in shifted(frames, printed) if frame.found.start >= 0] if printed else frames


def feed(descriptor: int, text: LinkedText) -> Iterator[None]:
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
    splitter = LineSplitter()
    while True:
        seconds = splitter.seconds_left()
        if seconds is not None and not _is_ready(descriptor, seconds):
            yield splitter.pause()
        block = os.read(descriptor, _BLOCK)
        if not block:
            break
        yield splitter.split(block)
    yield splitter.end()


class LineSplitter:
    """Splits arriving bytes into lines. ``idle_seconds`` after their arrival they must be shown, complete or not."""

    def __init__(self, idle_seconds: float = IDLE_SECONDS) -> None:
        self._idle_seconds = idle_seconds
        self._rest = b""
        self._waits = False
        self._since: float | None = None

    def split(self, block: bytes) -> Chunk:
        """Return the lines that are complete with this block."""
        *whole, self._rest = (self._rest + block).split(b"\n")
        lines = [TextLine(_decoded(line), "\n") for line in whole]
        if len(self._rest) > LONGEST_PART:
            # No ending: the next part continues the line.
            lines.append(TextLine(_decoded(self._rest), ""))
            self._rest = b""
        if len(lines) > MAX_LINES_BACK or not self._waits:
            # All earlier lines are released.
            self._since = None
        self._waits = True
        return Chunk(lines)

    def seconds_left(self) -> float | None:
        """Return how long to wait for more before ``pause``, or None if nothing waits to be shown."""
        if not self._waits:
            return None
        # Counted from the first call, so that the time for linking a chunk does not end the wait for the next.
        now = time.monotonic()
        self._since = now if self._since is None else self._since
        return max(self._since + self._idle_seconds - now, 0)

    def pause(self) -> Chunk:
        """Return the start of the next line, to be shown at once."""
        self._waits = False
        return Chunk([], _decoded(_whole_characters(self._rest)), idle=True)

    def end(self) -> Chunk:
        """Return the last line, if it has no ending."""
        rest, self._rest = self._rest, b""
        self._waits = False
        return Chunk([TextLine(_decoded(rest), "")] if rest else [], idle=True)


def _is_ready(descriptor: int, seconds: float) -> bool:
    """True if input arrives in time. Windows cannot wait for pipes."""
    if sys.platform == "win32":
        return True
    return bool(select.select([descriptor], [], [], seconds)[0])


def _whole_characters(text: bytes) -> bytes:
    """Remove the start of a character at the end: its other bytes may follow, and give one character with it."""
    for back in range(1, min(len(text), _LONGEST_CHARACTER - 1) + 1):
        byte = text[-back]
        if byte < _FIRST_CONTINUATION:
            break
        if byte >= _FIRST_LEAD:
            # The number of leading ones is the number of bytes.
            size = 8 - (byte ^ 0xFF).bit_length()
            return text[:-back] if back < size <= _LONGEST_CHARACTER else text
    return text


def _decoded(line: bytes) -> str:
    return line.decode(errors="surrogateescape")


def _without_document(chunk: Chunk, stream: Iterator[Chunk], text: LinkedText) -> Chunk:
    """Feed the JSON or XML document at the start of the input, if there is one; return what follows it."""
    first = chunk.lines[0]
    if not (_DOCUMENT_START.match(first.text) or begins_xml(first.text)):
        return chunk
    if _is_json(first.text):
        text.take_document([first], read_text(first.text).frames)
        return chunk._replace(lines=chunk.lines[1:])
    lines, size = list(chunk.lines), _size(chunk.lines)
    for more in stream:
        lines += more.lines
        size += _size(more.lines)
        # The reader would ignore the rest; it is read line by line.
        if size > MAX_TEXT:
            break
    text.take_document(lines, read_text("".join(line.text + line.ending for line in lines)).frames)
    return Chunk([], idle=True)


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        # Nested deeper than the parser can follow: the reader treats it as text too.
        return False
    return True


def _size(lines: list[TextLine]) -> int:
    return sum(len(line.text) + 1 for line in lines)
