"""Reads blocks of lines, offering each line to every notation whose hints it has."""

from collections.abc import Iterator, Sequence
from typing import Final

from .frame import Found, Spot
from .near import REACH, Near
from .notations import NOTATIONS, Notation
from .pieces import Piece, needs_cutting, pieces
from .prefixes import prefix_length

# More of a line is not read: no frame is so long, but a line of a minified script is.
LONGEST_LINE: Final = 16_384

Rows = Sequence[tuple[str, Notation]]

_ROWS: Final[Rows] = tuple((hint, notation) for notation in NOTATIONS for hint in notation.HINTS)


class BlockReader:
    """Reads the blocks of a text one after another.

    Attributes:
        unread: how many lines, blank ones aside, no notation has understood so far.
    """

    def __init__(self) -> None:
        self.unread = 0
        self._number = 0
        self._above: list[str] = []

    def read(self, lines: Sequence[str], following: str = "") -> Iterator[Found]:
        """The frames on these lines. The line that follows them may tell more about the last."""
        first, self._number = self._number, self._number + len(lines)
        text = "\n".join(lines)
        cut = list(pieces(lines, first)) if needs_cutting(text) else None
        printed = [piece.text for piece in cut] if cut else lines
        rows = [row for row in _ROWS if row[0] in (text if cut is None else "\n".join(printed))]
        above = self._above
        self._above = [*above, *printed][-REACH:]
        near = Near([*above, *printed, following])
        for at, line in enumerate(printed, start=len(above)):
            near.at = at
            spots = _offer(line, near, rows)
            if spots is None:
                self.unread += bool(line) and not line.isspace()
            for spot in spots or ():
                below = at - len(above) - spot.back
                yield _found(spot, near, cut[below] if cut and below >= 0 else Piece(line, first + below))


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
