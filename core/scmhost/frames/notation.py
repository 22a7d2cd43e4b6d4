"""What a notation is, and the context lines that it may read."""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Final, NamedTuple

from .frame import MatchSpan
from .log_prefixes import LearnedPrefix, prefix_length, printed

MAX_LINES_BACK: Final = 12
"""How far above its line a notation may read; a stream keeps this many lines."""


class ContextLines:
    """The lines around the one that is read, for notations whose frames span several lines.

    One object serves a whole block: its reader moves ``at`` from line to line.

    Attributes:
        at: the index of the line that is read.
        prefix: the log prefix that was removed from that line.
        learned: the part of it that other lines have too and the table of prefixes does not list.
        looked_ahead: whether a notation needed the line after the last one, which has not arrived yet.
        heading: the path that the last row of a group belongs to, for the next row.
        used: whether a line was asked for since this was last set to False.
    """

    __slots__ = ("_lines", "at", "heading", "learned", "looked_ahead", "prefix", "used")

    def __init__(self, lines: Sequence[str], at: int = 0) -> None:
        self._lines = lines
        self.at = at
        self.prefix = ""
        self.learned: LearnedPrefix | None = None
        self.looked_ahead = False
        self.heading: str | None = None
        self.used = False

    def with_prefix(self, steps: int) -> str:
        """Return the line ``steps`` above, with its log prefix. It must exist."""
        self.used = True
        return self._lines[self.at - steps]

    def whole(self, steps: int) -> str:
        """Return the line ``steps`` above with its log prefix, or an empty text if there is none."""
        self.used = True
        at = self.at - steps
        return self._lines[at] if at >= 0 and steps <= MAX_LINES_BACK else ""

    def before(self, steps: int = 1) -> str:
        """Return the line ``steps`` above without its log prefix, or an empty text if there is none."""
        self.used = True
        at = self.at - steps
        return self._printed(self._lines[at]) if at >= 0 and steps <= MAX_LINES_BACK else ""

    def after(self) -> str:
        """Return the next line without its log prefix, or an empty text if there is none."""
        line = self.following()
        return self._printed(line) if line is not None else ""

    def following(self) -> str | None:
        """Return the next line with its log prefix, or None if there is none."""
        self.used = True
        at = self.at + 1
        if at < len(self._lines):
            return self._lines[at]
        self.looked_ahead = True
        return None

    def prefix_length(self, steps: int) -> int:
        """Return the length of the log prefix of the line ``steps`` above."""
        return self._length(self._lines[self.at - steps]) if steps else len(self.prefix)

    def _length(self, line: str) -> int:
        return self.learned.length(line) if self.learned else prefix_length(line)

    def _printed(self, line: str) -> str:
        return printed(line, self._length(line))


class Notation(NamedTuple):
    """The grammar of one kind of trace.

    Attributes:
        name: unique. Its cases are in the file of this name, or of the name's first word, in tests/cases/frames.
        hints: texts of which each line of this notation contains at least one; other lines are not offered to it.
            A notation without hints is offered every line.
        read: returns the frames on a line, an empty list for a line of this notation without a source file, and None
            for a line that is not in this notation. The line comes without its end, its colours and its log prefix.
            Its work must be linear in the length of the line.
    """

    name: str
    hints: tuple[str, ...]
    read: Callable[[str, ContextLines], Sequence[MatchSpan] | None]


class LazyNotation:
    """A notation whose module is imported when it reads the first line.

    A text has few of the many notations, and importing all of them would dominate the start of ``scmhost link``.

    Args:
        module: the module of the notation.
        constant: its name in the module.
        hints: the notation's hints.
    """

    __slots__ = ("_constant", "_module", "hints", "name", "read")
    name: str
    read: Callable[[str, ContextLines], Sequence[MatchSpan] | None]

    def __init__(self, module: str, constant: str, hints: tuple[str, ...]) -> None:
        self._module = module
        self._constant = constant
        self.hints = hints

    def __getattr__(self, name: str) -> object:
        # Python calls this only while the slots are empty.
        notation = self.load()
        self.name, self.read = notation.name, notation.read
        return object.__getattribute__(self, name)

    def load(self) -> Notation:
        """Return the notation itself."""
        notation: Notation = getattr(import_module(self._module), self._constant)
        return notation


AnyNotation = Notation | LazyNotation
