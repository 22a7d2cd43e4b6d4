"""Reads the frames of a text, or of a stream of lines as they arrive."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from .blocks import BlockReader
from .documents import found_in_document
from .frame import Found

MAX_TEXT: Final = 1_048_576
MAX_FRAMES: Final = 10_000

# Characters, of whole lines: marks that no line of a block has are not looked for in each of its lines.
_BLOCK: Final = 12_288


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
    """Read the frames of a text, or of the one JSON document that it is.

    Args:
        text: as it was pasted.
        limit: how many characters are looked at, in whole lines.
        most: how many frames are read.
    """
    kept = text if len(text) <= limit else text[: text.rfind("\n", 0, limit) + 1]
    document = found_in_document(kept) if len(kept) == len(text) else None
    if document and not document.with_texts:
        return Reading(tuple(document.frames[:most]), 0, len(document.frames) > most)
    reader = BlockReader()
    frames = list(islice(_read(kept, reader), most + 1))
    if document:
        frames = _joined(document.frames, frames)
    truncated = len(kept) < len(text) or len(frames) > most
    return Reading(tuple(frames[:most]), reader.unread, truncated)


class LineReader:
    """Reads a stream line by line, in memory that does not grow. JSON documents over several lines are not read.

    Attributes:
        unread: how many lines, blank ones aside, no notation has understood so far.
    """

    def __init__(self) -> None:
        self._reader = BlockReader()
        self._waiting: str | None = None

    @property
    def unread(self) -> int:
        return self._reader.unread

    def feed(self, line: str) -> list[Found]:
        """The frames that this line completes, in the order of the text.

        They are those on the line, but for the few whose function or number stands below them: these come with the
        next line, or from ``flush``. A line feed at the end does not matter.
        """
        line = line.removesuffix("\n")
        found = self._settled(line)
        frames = list(self._reader.read(line))
        if self._reader.looked_ahead:
            self._reader.forget()
            self._waiting = line
            return found
        return found + frames

    def feed_all(self, lines: Sequence[str]) -> list[Found]:
        """What ``feed`` gives for several lines, one after the other; quicker."""
        if not lines:
            return []
        *block, last = (line.removesuffix("\n") for line in lines)
        found = self._settled(lines[0].removesuffix("\n"))
        if block:
            found += self._reader.read("\n".join(block), last)
        return found + self.feed(last)

    def flush(self) -> list[Found]:
        """The frames that still wait for a line below them, as if none came. Lines may be fed again afterwards."""
        return self._settled(None)

    def _settled(self, following: str | None) -> list[Found]:
        line, self._waiting = self._waiting, None
        return list(self._reader.read(line, following)) if line is not None else []


def read_lines(lines: Iterable[str]) -> Iterator[Found]:
    """Read frames from a stream, each as soon as the lines that it needs have arrived."""
    reader = LineReader()
    for line in lines:
        yield from reader.feed(line)
    yield from reader.flush()


def _joined(document: list[Found], lines: list[Found]) -> list[Found]:
    """What the document says, and what its texts say; a place that both name is the document's."""
    taken = {(found.text_line, found.start) for found in document}
    others = [found for found in lines if (found.text_line, found.start) not in taken]
    return sorted([*document, *others], key=lambda found: (found.text_line, found.start))


def _read(text: str, reader: BlockReader) -> Iterator[Found]:
    begin = 0
    while begin <= len(text):
        end = _line_end(text, begin + _BLOCK)
        following = text[end + 1 : _line_end(text, end + 1)] if end < len(text) else None
        yield from reader.read(text[begin:end], following)
        begin = end + 1


def _line_end(text: str, begin: int) -> int:
    end = text.find("\n", begin)
    return end if end >= 0 else len(text)
