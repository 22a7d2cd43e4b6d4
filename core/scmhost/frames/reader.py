"""Read the frames of a text, or of lines as they come.

Lines are read in blocks, and each line is offered to every notation whose hints it contains. Most lines of a log have
no frame, so the work is in passing over them fast: a search of the block for characters that every frame has, then a
search of the remaining lines for the hints of all notations, then the notations in order.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from .frame import FrameMatch, MatchSpan, new_tuple
from .hints import FRAME_MARKS, offer
from .line_frames import read_line
from .notation import MAX_LINES_BACK, ContextLines
from .physical_lines import PhysicalLine, physical_lines
from .reports import read_records, read_report

if TYPE_CHECKING:
    from .reports.documents import Record

# Lines of minified scripts are longer than any frame; the rest of them is not read.
LONGEST_LINE: Final = 16_384

# A log has the same trace many times. Both numbers bound the memory: 4,096 lines of at most 512 characters.
REPEATED_LINES: Final = 4_096
_LONGEST_REPEATED: Final = 512


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
        # The log prefixes and spans of earlier lines, if they depend on no other line.
        self._known: dict[str, tuple[str, Sequence[MatchSpan] | None]] = {}

    def read(self, block: str, following: str | None = None) -> Iterator[FrameMatch]:
        """Yield the frames of a block of whole lines; the line that follows may complete its last frame."""
        self.looked_ahead = False
        self._state = (self.unread, self._number, self._above, self._heading)
        records = read_records(block, self._number)
        yield from self._read_around(records, block, following) if records else self._read_plain(block, following)

    def _read_around(self, records: "Sequence[Record]", block: str, following: str | None) -> Iterator[FrameMatch]:
        """Yield the frames of records, and of the lines between them."""
        lines = block.split("\n")
        begin = 0
        for at, report in records:
            if at > begin:
                yield from self._read_plain("\n".join(lines[begin:at]), lines[at])
            # A reader of its own: the texts of a record are no neighbours of the lines around it.
            texts = BlockReader()
            yield from report.merged(texts.read_physical_lines)
            self.unread += texts.unread
            self._number += 1
            begin = at + 1
        if begin < len(lines):
            yield from self._read_plain("\n".join(lines[begin:]), following)

    def read_physical_lines(self, lines: Sequence[PhysicalLine]) -> Iterator[FrameMatch]:
        """Yield the frames of the texts in a document, each at its position in the document."""
        return self._read_lines([line.text for line in lines], lines, 0, None, None)

    def _read_plain(self, block: str, following: str | None) -> Iterator[FrameMatch]:
        """Yield the frames of a block without records."""
        texts, origins = physical_lines(block, self._number)
        first, self._number = self._number, self._number + block.count("\n") + 1
        return self._read_lines(texts, origins, first, block, following)

    def _read_lines(
        self,
        texts: list[str],
        origins: Sequence[PhysicalLine | int],
        first: int,
        block: str | None,
        following: str | None,
    ) -> Iterator[FrameMatch]:
        lines = _shortened(texts)
        above = self._above
        self._above = [*above, *lines[-MAX_LINES_BACK:]][-MAX_LINES_BACK:]
        self.unread += len([line for line in lines if line and not line.isspace()])
        # A range means that the block's lines are the physical lines, so the block need not be joined again.
        whole = block if isinstance(origins, range) and lines is texts else None
        candidates = FRAME_MARKS.lines("\n".join(lines) if whole is None else whole)
        if not candidates:
            return
        context = ContextLines([*above, *lines, *_first_physical_line(following)])
        context.heading = self._heading
        for at in candidates:
            line = lines[at]
            context.at = at + len(above)
            spans = self._spans(line, context)
            self.unread -= spans is not None
            if spans and len(line) >= LONGEST_LINE:
                spans = _complete(spans, line, len(context.prefix))
            for span in spans or ():
                origin = at - span.lines_back
                yield _frame_match(span, context, origins[origin] if origin >= 0 else first + origin)
        self.looked_ahead, self._heading = context.looked_ahead, context.heading

    def _spans(self, line: str, context: ContextLines) -> Sequence[MatchSpan] | None:
        """Return the spans of a line, and set its log prefix in the context."""
        known = self._known.get(line)
        if known is not None:
            context.prefix, spans = known
            return spans
        context.used = False
        spans = read_line(line, context, offer(line))
        if not context.used and len(line) <= _LONGEST_REPEATED:
            if len(self._known) >= REPEATED_LINES:
                self._known.clear()
            self._known[line] = (context.prefix, spans)
        return spans

    def undo(self) -> None:
        """Go back before the last block, so that it can be read again with the line that follows it."""
        self.unread, self._number, self._above, self._heading = self._state


def _shortened(lines: list[str]) -> list[str]:
    """Return the same list unless a line is too long."""
    if max(map(len, lines)) <= LONGEST_LINE:
        return lines
    return [line[:LONGEST_LINE] for line in lines]


def _first_physical_line(line: str | None) -> list[str]:
    return [physical_lines(line, 0)[0][0][:LONGEST_LINE]] if line is not None else []


def _complete(spans: Sequence[MatchSpan], line: str, prefix: int) -> Sequence[MatchSpan]:
    """Return the spans of a line that is too long, but no diagnostic whose number may have been cut with it."""
    if spans[-1].frame.kind == "frame" or " " in line[prefix + spans[-1].end :]:
        return spans
    return spans[:-1]


def _frame_match(span: MatchSpan, context: ContextLines, origin: PhysicalLine | int) -> FrameMatch:
    """Return where a span is in the text, given its physical line or the number of its line of text."""
    frame, start, end, lines_back = span
    begin = context.prefix_length(lines_back) if lines_back else len(context.prefix)
    start, end = begin + start, begin + end
    if isinstance(origin, int):
        return new_tuple(FrameMatch, (frame, origin, start, end))
    return FrameMatch(frame, origin.number, origin.position(start), origin.position(end, end=True))


MAX_TEXT: Final = 1_048_576
MAX_FRAMES: Final = 10_000

# Characters, in whole lines. A block is searched for many marks, and fits into the fastest memory of the processor.
_BLOCK: Final = 24_576


class Reading(NamedTuple):
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
    reader = BlockReader()
    found = report.merged(reader.read_physical_lines) if report else []
    if found:
        return Reading(tuple(found[:most]), reader.unread, len(found) > most)
    # Another one: the first has counted the lines of a document without frames.
    reader = BlockReader()
    # One more than the limit shows that there are more.
    frames = list(islice(_read(kept, reader), most + 1))
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
        and (header.column, header.message) == (None, None)
        and header.language in ("javascript", None)
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
