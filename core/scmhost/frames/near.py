"""The lines around the one that is read, for notations whose frames span several."""

from collections.abc import Sequence
from typing import Final

from .prefixes import without_prefix

# How far a notation may look back.
REACH: Final = 12


class Near:
    """Neighbours of a line. What is asked for is given without the prefixes of logs.

    Attributes:
        prefix: what stood before this line: a comment mark, a log's time and level.
        looked_ahead: whether the line after the last one was asked for.
    """

    __slots__ = ("_lines", "at", "looked_ahead", "prefix")

    def __init__(self, lines: Sequence[str], at: int = 0) -> None:
        self._lines = lines
        self.at = at
        self.prefix = ""
        self.looked_ahead = False

    def raw(self, steps: int) -> str:
        """The line so many steps above as it came."""
        return self._lines[self.at - steps]

    def before(self, steps: int = 1) -> str:
        """The line so many steps above, or nothing."""
        at = self.at - steps
        return without_prefix(self._lines[at]) if at >= 0 and steps <= REACH else ""

    def after(self) -> str:
        """The next line, or nothing."""
        at = self.at + 1
        if at < len(self._lines):
            return without_prefix(self._lines[at])
        self.looked_ahead = True
        return ""
