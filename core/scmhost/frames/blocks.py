"""Reads blocks of lines, offering each line to every notation whose hints it has."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import compress
from typing import Final

from .frame import Found, Spot
from .near import REACH, Near
from .notations import NOTATIONS, Notation
from .pieces import Piece, needs_cutting, pieces
from .prefixes import prefix_length

# More of a line is not read: no frame is so long, but a line of a minified script is.
LONGEST_LINE: Final = 16_384

# Frames have one of these at least, and most lines of logs have none.
_PLACE: Final = re.compile(r":(?:(?<=[^\d\s]:)\d|[^\W\d]\w* \d)")
_MARKS: Final = ("line", "-> ", "@", ":in ", "dart", ".ex", ".py", "#", "Caused by", "Suppressed", "... ", ".rs:", "?")
# Of lines with a parenthesis.
_ENCLOSED: Final = (
    *("(<", "(native", "(Native", "(Unknown", "(in ", "(index "),
    *(".java)", ".kt)", ".scala)", ".groovy)", ".php(", "): at ", ":-1)"),
)

Rows = Sequence[tuple[str, Notation]]

_ROWS: Final[Rows] = tuple((hint, notation) for notation in NOTATIONS for hint in notation.HINTS)
_HINTS: Final = frozenset(hint for hint, _ in _ROWS)


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

    def read(self, lines: Sequence[str], following: str | None = None) -> Iterator[Found]:
        """The frames on these lines. The line that follows them may tell more about the last."""
        first, self._number = self._number, self._number + len(lines)
        cut = list(pieces(lines, first)) if needs_cutting("\n".join(lines)) else None
        printed = [piece.text for piece in cut] if cut else lines
        candidates = [_may_be_a_frame(line) for line in printed]
        rows = _rows_for(compress(printed, candidates))
        above = self._above
        self._above = [*above, *printed][-REACH:]
        near = Near([*above, *printed, *_first_piece(following)])
        for at, line in enumerate(printed, start=len(above)):
            near.at = at
            spots = _offer(line, near, rows) if candidates[at - len(above)] else None
            if spots is None:
                self.unread += bool(line) and not line.isspace()
            for spot in spots or ():
                below = at - len(above) - spot.back
                yield _found(spot, near, cut[below] if cut and below >= 0 else Piece(line, first + below))
        self.looked_ahead = near.looked_ahead


def _first_piece(line: str | None) -> list[str]:
    return [next(pieces([line], 0)).text] if line is not None else []


def _rows_for(lines: Iterable[str]) -> Rows:
    """The rows of the table whose hints are in any of these lines."""
    text = "\n".join(lines)
    present = {hint for hint in _HINTS if hint in text}
    return [row for row in _ROWS if row[0] in present]


def _may_be_a_frame(line: str) -> bool:
    if _PLACE.search(line):
        return True
    return _has_any(line, _MARKS) or ("(" in line and _has_any(line, _ENCLOSED))


def _has_any(line: str, marks: Sequence[str]) -> bool:
    for mark in marks:  # noqa: SIM110 - a generator would take three times as long
        if mark in line:
            return True
    return False


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


def _found(spot: Spot, near: Near, piece: Piece) -> Found:
    begin = len(near.prefix) if not spot.back else prefix_length(near.raw(spot.back))
    start, end = piece.place(begin + spot.start), piece.place(begin + spot.end, end=True)
    return Found(spot.frame, piece.number, start, end)
