"""Read the frames of a text, or of a stream of lines as they arrive."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from .block_reader import BlockReader
from .frame import FrameMatch
from .reports import read_report

MAX_TEXT: Final = 1_048_576
MAX_FRAMES: Final = 10_000

# Characters, in whole lines. A larger block has more of the notations, and each line is then searched for more hints.
_BLOCK: Final = 12_288


@dataclass(frozen=True, slots=True)
class Reading:
    """The frames of a text.

    Attributes:
        frames: the frames that name a source file, in the order of the text.
        unread: the number of lines, blank ones aside, that no notation understands.
        truncated: whether the text was longer than a limit and its rest was not read.
    """

    frames: tuple[FrameMatch, ...]
    unread: int
    truncated: bool


def read_text(text: str, *, limit: int = MAX_TEXT, most: int = MAX_FRAMES) -> Reading:
    """Read the frames of a text, or of the one JSON document that it is.

    Args:
        text: as it was pasted.
        limit: the number of characters that are read, in whole lines.
        most: the number of frames that are read.
    """
    kept = text if len(text) <= limit else text[: text.rfind("\n", 0, limit) + 1]
    report = read_report(kept) if len(kept) == len(text) else None
    if report and not report.with_texts:
        return Reading(tuple(report.frames[:most]), 0, len(report.frames) > most)
    reader = BlockReader()
    frames = list(islice(_read(kept, reader), most + 1))
    if report:
        frames = _merged(report.frames, frames)
    truncated = len(kept) < len(text) or len(frames) > most
    return Reading(tuple(frames[:most]), reader.unread, truncated)


class LineReader:
    """Reads a stream line by line, in constant memory. JSON documents over several lines are not read."""

    def __init__(self) -> None:
        self._reader = BlockReader()
        self._waiting: str | None = None

    @property
    def unread(self) -> int:
        """The number of lines so far, blank ones aside, that no notation understands."""
        return self._reader.unread

    def feed(self, line: str) -> list[FrameMatch]:
        """Return the frames that this line completes, in the order of the text.

        Most frames are complete with their line. A few have their function or number on the line below: these come
        with the next line, or from ``flush``. A line feed at the end does not matter.
        """
        line = line.removesuffix("\n")
        completed = self._complete(line)
        frames = list(self._reader.read(line))
        if self._reader.looked_ahead:
            self._reader.undo()
            self._waiting = line
            return completed
        return completed + frames

    def feed_all(self, lines: Sequence[str]) -> list[FrameMatch]:
        """Return what ``feed`` returns for these lines one after another, but faster."""
        if not lines:
            return []
        *block, last = (line.removesuffix("\n") for line in lines)
        frames = self._complete(lines[0].removesuffix("\n"))
        if block:
            frames += self._reader.read("\n".join(block), last)
        return frames + self.feed(last)

    def flush(self) -> list[FrameMatch]:
        """Return the frames that wait for the next line, as if there were none. More lines may be fed afterwards."""
        return self._complete(None)

    def _complete(self, following: str | None) -> list[FrameMatch]:
        """Return the frames of the line that waits, now that the line after it is known."""
        line, self._waiting = self._waiting, None
        return list(self._reader.read(line, following)) if line is not None else []


def read_lines(lines: Iterable[str]) -> Iterator[FrameMatch]:
    """Yield the frames of a stream, each as soon as the lines that it needs have arrived."""
    reader = LineReader()
    for line in lines:
        yield from reader.feed(line)
    yield from reader.flush()


def _merged(report: list[FrameMatch], lines: list[FrameMatch]) -> list[FrameMatch]:
    """Return the frames of a report's fields and of the texts in it; at the same position the field wins."""
    taken = {(match.text_line, match.start) for match in report}
    others = [match for match in lines if (match.text_line, match.start) not in taken]
    return sorted([*report, *others], key=lambda match: (match.text_line, match.start))


def _read(text: str, reader: BlockReader) -> Iterator[FrameMatch]:
    begin = 0
    while begin <= len(text):
        end = _line_end(text, begin + _BLOCK)
        following = text[end + 1 : _line_end(text, end + 1)] if end < len(text) else None
        yield from reader.read(text[begin:end], following)
        begin = end + 1


def _line_end(text: str, begin: int) -> int:
    end = text.find("\n", begin)
    return end if end >= 0 else len(text)
