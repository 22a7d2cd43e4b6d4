"""Read the frames of a text, or of lines as they come.

Lines are read in blocks, and each line is offered to every notation whose hints it contains. Most lines of a log have
no frame, so the work is in passing over them fast: a search of the block for characters that every frame has, then a
search of the remaining lines for the hints of all notations, then the notations in order.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Final

from .diagnostics import DIAGNOSTICS
from .diagnostics.grouped import ROW, SEVERITIES
from .frame import FrameMatch, MatchSpan
from .notation import MAX_LINES_BACK, ContextLines, Notation
from .notations import NOTATIONS
from .physical_lines import LineMarks, PhysicalLine, physical_lines, prefix_length, split_line
from .reports import read_report

# Lines of minified scripts are longer than any frame; the rest of them is not read.
LONGEST_LINE: Final = 16_384

# Every line with a frame or a diagnostic has one of these, and most lines of logs have none. A new notation or form may
# need a row here. A pattern is cheap if it fails at the character after its first one.
_FRAME_MARKS: Final = LineMarks(
    ("line", "@", "#", "?", "0x", "<asy", "dart:", "Caused by:", "Suppressed:", "ile: ", "]: in ", *SEVERITIES),
    tuple(
        re.compile(pattern)
        for pattern in (
            r":(?<![\d\s]:)\d",
            r":(?:(?<=[a-z_]\d:)|(?<=[a-z_]\d\d:)|(?<=[a-z_]\d\d\d:))\d",
            r":(?:in\W|-1\)|[^\W\d]\w* \d|\[\d|\(\d|:(?:error|warning|notice|debug) )",
            r": (?:\(\d|\d{1,9}:)",
            r"/[^\s/:]*\d:\d",
            r"\\[^\s\\:]*\d:\d",
            r"\.(?:py|ex|dart|php\(|(?:java|kts?|sc|scala|groovy|gradle|cljc?|jsp)\)|\.\. \d|[A-Za-z]\w*\d:\d)",
            r"\((?:<|[Nn]ative|Unknown|in(?:dex)? |\d{1,9}(?:[,:-] ?\d{1,9}){0,3}\))",
            r"\[\d{1,9}(?:, ?\d{1,9})?\]:",
            r">(?<=->) ",
            r"\): at ",
            r"Line(?:\s{0,8}:)? \d",
            r"s \d{1,9}:\d",
            r"x \d{1,9}:\d",
            rf"Z {ROW}",
            r"\.(?:nim(?:s|ble|f)?\(|ps[dm]?1[ :]|ml\"|sh(?![^\r\n\[ :])|bash(?![^\r\n ])|[kz]sh(?![^\r\n\[ ]))",
        )
    ),
    re.compile(rf"\n(?![12]\d\d\d-){ROW}"),
)

Rows = Sequence[tuple[str, Notation]]

_ROWS: Final[Rows] = tuple((hint, notation) for notation in (*NOTATIONS, *DIAGNOSTICS) for hint in notation.hints)
_HINTS: Final = frozenset(hint for hint, _ in _ROWS)
_ASCII_HINTS: Final = frozenset(hint for hint in _HINTS if hint.isascii())


class BlockReader:
    """Reads the blocks of a text one after another.

    Attributes:
        unread: the number of lines so far, blank ones aside, that no notation understands.
        looked_ahead: whether the line after the last block was needed but not given.
    """

    def __init__(self) -> None:
        self.unread = 0
        self.looked_ahead = False
        self._number = 0
        self._above: list[str] = []
        self._heading: str | None = None
        self._state: tuple[int, int, list[str], str | None] = (0, 0, self._above, None)

    def read(self, block: str, following: str | None = None) -> Iterator[FrameMatch]:
        """Yield the frames of a block of whole lines; the line that follows may complete its last frame."""
        self.looked_ahead = False
        self._state = (self.unread, self._number, self._above, self._heading)
        texts, origins = physical_lines(block, self._number)
        first, self._number = self._number, self._number + block.count("\n") + 1
        lines = _shortened(texts)
        above = self._above
        self._above = [*above, *lines[-MAX_LINES_BACK:]][-MAX_LINES_BACK:]
        self.unread += len([line for line in lines if line and not line.isspace()])
        # A range means that the block's lines are the physical lines, so the block need not be joined again.
        candidates = _FRAME_MARKS.lines(block if isinstance(origins, range) and lines is texts else "\n".join(lines))
        if not candidates:
            return
        rows = _rows_for([lines[at] for at in candidates])
        context = ContextLines([*above, *lines, *_first_physical_line(following)])
        context.heading = self._heading
        for at in candidates:
            context.at = at + len(above)
            spans = _read_line(lines[at], context, rows)
            self.unread -= spans is not None
            for span in _complete(spans or (), lines[at], len(context.prefix)):
                origin = at - span.lines_back
                yield _frame_match(span, context, origins[origin] if origin >= 0 else first + origin)
        self.looked_ahead, self._heading = context.looked_ahead, context.heading

    def undo(self) -> None:
        """Go back before the last block, so that it can be read again with the line that follows it."""
        self.unread, self._number, self._above, self._heading = self._state


def _shortened(lines: list[str]) -> list[str]:
    """Return the same list unless a line is too long."""
    if max(map(len, lines)) <= LONGEST_LINE:
        return lines
    return [line[:LONGEST_LINE] for line in lines]


def _first_physical_line(line: str | None) -> list[str]:
    return [next(split_line(line, 0)).text[:LONGEST_LINE]] if line is not None else []


def _rows_for(lines: Sequence[str]) -> Rows:
    """Return the rows whose hints are in any of these lines. A single line is not worth the search."""
    if len(lines) == 1:
        return _ROWS
    text = "\n".join(lines)
    present = {hint for hint in (_ASCII_HINTS if text.isascii() else _HINTS) if hint in text}
    return [row for row in _ROWS if row[0] in present]


def _read_line(line: str, context: ContextLines, rows: Rows) -> Sequence[MatchSpan] | None:
    """Return the spans of the first notation that understands the line."""
    body: str | None = None
    last: Notation | None = None
    for hint, notation in rows:
        # The hints of a notation are consecutive rows; it reads a line once.
        if hint in line and notation is not last:
            if body is None:
                body = _without_prefix(line, context)
            last = notation
            spans = notation.read(body, context)
            if spans is not None:
                return spans
    return None


def _complete(spans: Sequence[MatchSpan], line: str, prefix: int) -> Sequence[MatchSpan]:
    """Return the spans, but no diagnostic whose number may have been cut with a line that is too long."""
    if len(line) < LONGEST_LINE or not spans or spans[-1].frame.kind == "frame":
        return spans
    return spans if " " in line[prefix + spans[-1].end :] else spans[:-1]


def _without_prefix(line: str, context: ContextLines) -> str:
    """Return the line as it was printed, and keep its prefix in the context."""
    begin = prefix_length(line)
    context.prefix = line[:begin]
    body = line[begin:LONGEST_LINE].rstrip()
    # An item of a list of strings ends with a quote and a comma.
    return body.rstrip('",') if context.prefix.endswith('"') else body


def _frame_match(span: MatchSpan, context: ContextLines, origin: PhysicalLine | int) -> FrameMatch:
    """Return where a span is in the text, given its physical line or the number of its line of text."""
    begin = prefix_length(context.with_prefix(span.lines_back)) if span.lines_back else len(context.prefix)
    start, end = begin + span.start, begin + span.end
    if isinstance(origin, int):
        return FrameMatch(span.frame, origin, start, end)
    return FrameMatch(span.frame, origin.number, origin.position(start), origin.position(end, end=True))


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
    # A part of a JSON document is no JSON document.
    report = read_report(kept) if len(kept) == len(text) else None
    if report and not report.with_texts:
        return Reading(tuple(report.frames[:most]), 0, len(report.frames) > most)
    reader = BlockReader()
    # One more than the limit shows that there are more.
    frames = list(islice(_read(kept, reader), most + 1))
    if report:
        frames = _merged(report.frames, frames)
    frames = _without_headers(frames)
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


# Lines from the header of an error to its first frame: the code, a caret, blank lines and the message.
_HEADER_DISTANCE: Final = range(3, 13)


def _without_headers(frames: list[FrameMatch]) -> list[FrameMatch]:
    """Leave out the place that Node.js prints above an error if the first frame is the same place with more details."""
    headers = {index for index, (match, following) in enumerate(pairwise(frames)) if _is_header(match, following)}
    return [match for index, match in enumerate(frames) if index not in headers] if headers else frames


def _is_header(match: FrameMatch, following: FrameMatch) -> bool:
    header, frame = match.frame, following.frame
    return (
        header.kind == "diagnostic"
        and (header.column, header.message, header.language) == (None, None, "javascript")
        and (frame.kind, frame.path, frame.line) == ("frame", header.path, header.line)
        and following.text_line - match.text_line in _HEADER_DISTANCE
    )


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
