"""From a match to a spot: the patterns of all notations name their groups alike."""

import re
from typing import Final

from .frame import Frame, Spot

# The word, found by its letters first: a search is quick when it begins with what is literal.
AT: Final = r"at (?<!\wat )"
# A line number and, where printed, a column.
LINE: Final = r"(?P<line>\d{1,9})(?!\d)"
LINE_COLUMN: Final = r"(?P<line>\d{1,9})(?!\d)(?::(?P<column>\d{1,9})(?!\d))?"


def number(digits: str | None) -> int | None:
    """The number if there is one; -1 stands for none."""
    return int(digits) if digits and digits[0] != "-" else None


def spot(
    found: re.Match[str], language: str, *, function: str | None = None, module: str | None = None, group: str = "path"
) -> Spot:
    """The spot of a match with the groups ``path``, ``line`` and perhaps ``column``.

    A line is attached to its path when nothing but a colon or a parenthesis stands between them.
    """
    column = found["column"] if "column" in found.re.groupindex else None
    frame = Frame(found[group], number(found["line"]), number(column), function or None, module or None, language)
    start, end = found.span(group)
    return Spot(frame, start, found.end("line") if found.start("line") == end + 1 else end)
