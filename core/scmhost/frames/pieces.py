"""Lines as they were printed: without colours, and cut where a log has escaped their ends."""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from .patterns import Pattern
from .scan import Marks

# Pastes lose the escape character more often than the rest.
_COLOUR: Final = Pattern(
    r"(?:\x1b|\\u001b|\\x1b|\\033|␛)\[[\d;]{0,20}[mK]|\[(?:\d{1,2};){0,3}\d{1,2}m|\x1b\]8;[^\x1b\x07]{0,500}"
    r"(?:\x1b\\|\x07)"
)
# A backslash and an "n" may as well be a part of a path; what follows tells.
_ESCAPED: Final = Pattern(
    r"\\n(?:\\{1,2}[tr]|\s{2}|\s?"
    r"(?:at|from|File|in) |#\d|[^\s\"@]{0,80}@\w|/|[A-Za-z]:\\\\|goroutine |\s*\d+: |Traceback|[Ss]tack)"
    r"|\\n[^\s\"]{1,200}:\d{1,9}:in "
)
_TOKEN: Final = Pattern(r"\\(.)")
_INDENT: Final = Pattern(r"(?:\\{1,4}[tr]|\s)*")
_OPENED: Final = Pattern(r".*(?:[:=\[,(]\s?|^\s*)(?<!\\)[\"']")
_CLOSED: Final = Pattern(r"(?<!\\)\"(?!, line \d)\s*(?:[,}\])]|$)|'\s*[}\])][\s}\])]*$|(?:\\{1,2}[rn])+$")
# More of a line is not cut into pieces: a whole log, with escaped ends, is pasted as one line, but not larger.
_LONGEST: Final = 1_048_576
# Lines with colours or escaped ends have one of these.
_MARKS: Final = Marks(
    ("\\n", "\x1b", "␛"),
    (re.compile(r"\[(?:\d{1,2}[;m]|(?<=1b\[)|(?<=033\[))"),),
)


class Piece(NamedTuple):
    """A printed line within a line of text.

    Attributes:
        offset: where it begins in its line.
        cuts: where something was left out, as positions in the piece, and how much up to there.
    """

    text: str
    number: int
    offset: int = 0
    cuts: tuple[tuple[int, int], ...] = ()

    def place(self, position: int, *, end: bool = False) -> int:
        """The place of a position in the line of text. An end does not reach over what was left out behind it."""
        left_out = 0
        for at, total in self.cuts:
            if at > position or (end and at == position):
                break
            left_out = total
        return self.offset + position + left_out


def printed(block: str, first: int) -> tuple[list[str], Sequence[Piece | int]]:
    """The lines of a block as they were printed, and for each its piece, or the number of the line that it is.

    Args:
        block: whole lines.
        first: the number of its first line.
    """
    lines = block.split("\n")
    marked = _MARKS.lines(block)
    if not marked:
        return lines, range(first, first + len(lines))
    texts: list[str] = []
    places: list[Piece | int] = []
    begin = 0
    for at in marked:
        cut = list(pieces(lines[at], first + at))
        texts += [*lines[begin:at], *(piece.text for piece in cut)]
        places += [*range(first + begin, first + at), *cut]
        begin = at + 1
    return [*texts, *lines[begin:]], [*places, *range(first + begin, first + len(lines))]


def pieces(line: str, number: int) -> Iterator[Piece]:
    """The pieces of the line that has this number."""
    clean, cuts = _without_colours(line[:_LONGEST])
    if _ESCAPED.search(clean):
        yield from _split(clean, number, cuts)
    else:
        yield Piece(clean, number, 0, cuts)


def _without_colours(line: str) -> tuple[str, tuple[tuple[int, int], ...]]:
    kept: list[str] = []
    cuts: list[tuple[int, int]] = []
    end = total = 0
    for found in _COLOUR.finditer(line):
        kept.append(line[end : found.start()])
        end = found.end()
        total += end - found.start()
        cuts.append((end - total, total))
    if not cuts:
        return line, ()
    return "".join([*kept, line[end:]]), tuple(cuts)


def _split(line: str, number: int, cuts: tuple[tuple[int, int], ...]) -> Iterator[Piece]:
    ends = [found.span() for found in _TOKEN.finditer(line) if found[1] == "n"]
    # A log within a log has doubled the backslashes.
    ends = ends or [found.span() for found in re.finditer(r"\\\\n", line)]
    begin = 0
    for end, following in [*ends, (len(line), len(line))]:
        yield _piece(line, (begin, end), number, cuts)
        begin = following


def _piece(line: str, span: tuple[int, int], number: int, cuts: tuple[tuple[int, int], ...]) -> Piece:
    begin, end = span
    opened = _OPENED.match(line, begin, end) if begin == 0 else _INDENT.match(line, begin, end)
    begin = opened.end() if opened else begin
    closed = _CLOSED.search(line, begin, end)
    text = line[begin : closed.start() if closed else end]
    # The cuts of a line are few; a piece keeps those that lie behind its beginning.
    before = max((total for at, total in cuts if at <= begin), default=0)
    own = tuple((at - begin, total - before) for at, total in cuts if at > begin)
    return Piece(text, number, begin + before, own)
