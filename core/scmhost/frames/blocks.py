"""Reads blocks of lines, offering each line to every notation whose hints it has."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from .frame import Found, Spot
from .near import REACH, Near
from .notations import NOTATIONS, Notation
from .pieces import Piece, pieces, printed
from .prefixes import prefix_length
from .scan import Marks

# More of a line is not read: no frame is so long, but a line of a minified script is.
LONGEST_LINE: Final = 16_384

# Frames have one of these at least, and most lines of logs have none.
_MARKS: Final = Marks(
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

_ROWS: Final[Rows] = tuple((hint, notation) for notation in NOTATIONS for hint in notation.HINTS)
_HINTS: Final = frozenset(hint for hint, _ in _ROWS)
_ASCII_HINTS: Final = frozenset(hint for hint in _HINTS if hint.isascii())


class BlockReader:
    """Reads the blocks of a text one after another.

    Attributes:
        unread: how many lines, blank ones aside, no notation has understood so far.
        looked_ahead: whether the line that follows the last block was asked for when none was given.
    """

    def __init__(self) -> None:
        self.unread = 0
        self.looked_ahead = False
        self._number = 0
        self._above: list[str] = []
        self._state = (0, 0, self._above)

    def read(self, block: str, following: str | None = None) -> Iterator[Found]:
        """The frames of a block of whole lines. The line that follows it may tell more about its last."""
        self.looked_ahead = False
        self._state = (self.unread, self._number, self._above)
        texts, places = printed(block, self._number)
        first, self._number = self._number, self._number + block.count("\n") + 1
        lines = _shortened(texts)
        above = self._above
        self._above = [*above, *lines[-REACH:]][-REACH:]
        self.unread += len([line for line in lines if line and not line.isspace()])
        candidates = _MARKS.lines(block if isinstance(places, range) and lines is texts else "\n".join(lines))
        if not candidates:
            return
        rows = _rows_for([lines[at] for at in candidates])
        near = Near([*above, *lines, *_first_piece(following)])
        for at in candidates:
            near.at = at + len(above)
            spots = _offer(lines[at], near, rows)
            self.unread -= spots is not None
            for spot in spots or ():
                below = at - spot.back
                yield _found(spot, near, places[below] if below >= 0 else first + below)
        self.looked_ahead = near.looked_ahead

    def forget(self) -> None:
        """Forget the last block, to read it again when it is known what follows it."""
        self.unread, self._number, self._above = self._state


def _shortened(lines: list[str]) -> list[str]:
    if max(map(len, lines)) <= LONGEST_LINE:
        return lines
    return [line[:LONGEST_LINE] for line in lines]


def _first_piece(line: str | None) -> list[str]:
    return [next(pieces(line, 0)).text[:LONGEST_LINE]] if line is not None else []


def _rows_for(lines: Sequence[str]) -> Rows:
    """The rows of the table whose hints are in any of these lines. For one line it is not worth the search."""
    if len(lines) == 1:
        return _ROWS
    text = "\n".join(lines)
    present = {hint for hint in (_ASCII_HINTS if text.isascii() else _HINTS) if hint in text}
    return [row for row in _ROWS if row[0] in present]


def _offer(line: str, near: Near, rows: Rows) -> Sequence[Spot] | None:
    """The first notation's answer that has one."""
    body: str | None = None
    asked: Notation | None = None
    for hint, notation in rows:
        if hint in line and notation is not asked:
            if body is None:
                body = _body(line, near)
            asked = notation
            spots = notation.read(body, near)
            if spots is not None:
                return spots
    return None


def _body(line: str, near: Near) -> str:
    """The line as it was printed, its prefix put aside."""
    begin = prefix_length(line)
    near.prefix = line[:begin]
    body = line[begin:LONGEST_LINE].rstrip()
    return body.rstrip('",') if near.prefix.endswith('"') else body


def _found(spot: Spot, near: Near, piece: Piece | int) -> Found:
    """Where a spot stands in the text: in a piece of a line, or in the whole line of this number."""
    begin = prefix_length(near.raw(spot.back)) if spot.back else len(near.prefix)
    start, end = begin + spot.start, begin + spot.end
    if isinstance(piece, int):
        return Found(spot.frame, piece, start, end)
    return Found(spot.frame, piece.number, piece.place(start), piece.place(end, end=True))
