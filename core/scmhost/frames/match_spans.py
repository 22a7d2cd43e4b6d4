"""From a regular expression's match to the span of a frame. Patterns of all notations name their groups alike."""

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, Protocol

from .frame import Frame, MatchSpan

if TYPE_CHECKING:

    class _Match(Protocol):
        def __call__(self, string: str, pos: int = ..., endpos: int = ..., /) -> re.Match[str] | None: ...

    class _FindAll(Protocol):
        def __call__(self, string: str, pos: int = ..., endpos: int = ..., /) -> Iterator[re.Match[str]]: ...


class Pattern:
    """A regular expression that is compiled at its first use.

    A text has few of the many notations, and compiling all of them would dominate the start of ``scmhost link``. The
    compiled methods are stored on the object, so later uses cost what they cost with ``re``.
    """

    __slots__ = ("finditer", "match", "search", "source", "sub")
    match: "_Match"
    search: "_Match"
    finditer: "_FindAll"
    sub: Callable[[str, str], str]

    def __init__(self, source: str) -> None:
        self.source = source

    def __getattr__(self, name: str) -> object:
        # Python calls this only while the slots are empty.
        compiled = re.compile(self.source)
        self.match, self.search, self.finditer = compiled.match, compiled.search, compiled.finditer
        self.sub = compiled.sub
        return object.__getattribute__(self, name)


# The literal text comes before the look-behind, because "re" searches fast for a literal beginning.
AT: Final = r"at (?<!\wat )"
"""The word "at"."""
LINE: Final = r"(?P<line>\d{1,9})(?!\d)"
"""A line number."""
LINE_COLUMN: Final = r"(?P<line>\d{1,9})(?!\d)(?::(?P<column>\d{1,9})(?!\d))?"
"""A line number and, where printed, a column."""


def parse_number(digits: str | None) -> int | None:
    """Return the number, or None for no digits and for -1, which some runtimes print for "unknown"."""
    return int(digits) if digits and digits[0] != "-" else None


def match_span(
    match: re.Match[str], language: str, *, function: str | None = None, module: str | None = None, group: str = "path"
) -> MatchSpan:
    """Return the span of a match with the groups ``path`` (or ``group``), ``line`` and, optionally, ``column``.

    The span includes the line number if only one character, such as a colon, is between it and the path.
    """
    column = match["column"] if "column" in match.re.groupindex else None
    frame = Frame(
        match[group], parse_number(match["line"]), parse_number(column), function or None, module or None, language
    )
    start, end = match.span(group)
    return MatchSpan(frame, start, match.end("line") if match.start("line") == end + 1 else end)


# The first alternatives have parentheses or angles that open no list of arguments.
_BRACKET: Final = re.compile(
    r"operator ?(?:\(\)|<=>|<<=?|>>=?|->\*?|[<>]=?)|\((?:anonymous|extension|lambda)[^()]*\)"
    r"|'lambda\d*'\([^()]*\)|->|=>|[<>{}(]"
)
_DEPTH: Final = {"<": 1, "{": 1, ">": -1, "}": -1}


def without_arguments(symbol: str) -> str:
    """Return a symbol up to its arguments; parentheses within angles or braces belong to its name."""
    # Objective-C: "-[Shop total:]".
    if symbol[:2] in ("-[", "+["):
        return symbol[: symbol.find("]") + 1] or symbol
    depth = 0
    for match in _BRACKET.finditer(symbol):
        bracket = match.group()
        if bracket == "(" and depth == 0:
            return symbol[: match.start()].rstrip() or symbol
        depth = max(0, depth + _DEPTH.get(bracket, 0))
    return symbol
