"""Read blocks of lines: offer each line to every notation whose hints it contains.

Most lines of a log have no frame, so the work is in passing over them fast: a search of the block for characters that
every frame has, then a search of the remaining lines for the hints of all notations, then the notations in order.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from .frame import FrameMatch, MatchSpan
from .notation import MAX_LINES_BACK, ContextLines, Notation
from .notations import NOTATIONS
from .physical_lines import LineMarks, PhysicalLine, physical_lines, prefix_length, split_line

# Lines of minified scripts are longer than any frame; the rest of them is not read.
LONGEST_LINE: Final = 16_384

# Every line with a frame has one of these, and most lines of logs have none. A new notation may need a row here.
_FRAME_MARKS: Final = LineMarks(
    ("line", "@", "#", "?", "0x", "<asy"),
    (
        re.compile(
            r":(?:(?<=[^\d\s]:)\d|in\W|-1\)|[^\W\d]\w* \d|(?<=dart:)|(?<=Caused by:)|(?<=Suppressed:)"
            r"|(?:(?<=[a-z_]\d:)|(?<=[a-z_]\d\d:)|(?<=[a-z_]\d\d\d:))\d)"
        ),
        re.compile(r"/[^\s/:]*\d:\d"),
        re.compile(r"\\[^\s\\:]*\d:\d"),
        re.compile(r"\.(?:py|ex|dart|php\(|(?:java|kts?|sc|scala|groovy|gradle|cljc?|jsp)\)|\.\. \d|[A-Za-z]\w*\d:\d)"),
        re.compile(r"\((?:<|[Nn]ative|Unknown|in(?:dex)? )"),
        re.compile(r">(?<=->) "),
        re.compile(r"\): at "),
    ),
)

Rows = Sequence[tuple[str, Notation]]

_ROWS: Final[Rows] = tuple((hint, notation) for notation in NOTATIONS for hint in notation.hints)
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
        self._state = (0, 0, self._above)

    def read(self, block: str, following: str | None = None) -> Iterator[FrameMatch]:
        """Yield the frames of a block of whole lines; the line that follows may complete its last frame."""
        self.looked_ahead = False
        self._state = (self.unread, self._number, self._above)
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
        for at in candidates:
            context.at = at + len(above)
            spans = _read_line(lines[at], context, rows)
            self.unread -= spans is not None
            for span in spans or ():
                origin = at - span.lines_back
                yield _frame_match(span, context, origins[origin] if origin >= 0 else first + origin)
        self.looked_ahead = context.looked_ahead

    def undo(self) -> None:
        """Go back before the last block, so that it can be read again with the line that follows it."""
        self.unread, self._number, self._above = self._state


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
