"""IPython's frames: ``File ~/x.py:12, in f(a)``, and before version 8 a path with an arrow some lines below.

~/x.py in f(a)
     10 def f(a):
---> 11     return g(a)
"""

import re
from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import Frame, Spot
from scmhost.frames.near import REACH, Near
from scmhost.frames.paths import names_a_file
from scmhost.frames.patterns import Pattern
from scmhost.frames.spots import LINE, spot

HINTS: Final[tuple[str, ...]] = ("-> ", "File ", ".pyx in ", ".pxi in ")

_FILE: Final = Pattern(
    rf"File (?P<path>(?:[A-Za-z]:)?[^:\"\s][^:\"\n]{{0,1000}}):{LINE}, in (?P<function>[^\s(]{{1,300}})"
)
_ARROW: Final = Pattern(r"-{2,}> ?(?P<line>\d{1,9})(?: |$)")
_CODE: Final = Pattern(r"\d{1,9}(?: |$)|$")
_PLACE: Final = Pattern(
    r"(?P<path>(?:[A-Za-z]:)?[^\s:<(\"][^:<\"\n]{0,1000}?\.py[xdi]?|[^\s:]+\.pxi) in"
    r" (?P<function>[^\s(]{1,300})(?:\(|$)"
)
_COMPILED: Final = (".pyx", ".pxi", ".pxd")


def read(line: str, near: Near) -> Sequence[Spot] | None:
    """The frame on this line, or the one that this arrow belongs to."""
    if found := _FILE.match(line):
        return [spot(found, "python", function=found["function"])] if names_a_file(found["path"]) else []
    if found := _ARROW.match(line):
        return _pointed_at(int(found["line"]), near)
    found = _PLACE.match(line)
    # Compiled code is shown without its lines.
    return [_placed(found, None, 0)] if found and found["path"].endswith(_COMPILED) else None


def _pointed_at(line: int, near: Near) -> Sequence[Spot] | None:
    for back in range(1, REACH + 1):
        above = near.before(back)
        if found := _PLACE.match(above):
            return None if found["path"].endswith(_COMPILED) else [_placed(found, line, back)]
        if not _CODE.match(above):
            return None
    return None


def _placed(found: re.Match[str], line: int | None, back: int) -> Spot:
    frame = Frame(found["path"], line, function=found["function"], language="python")
    return Spot(frame, *found.span("path"), back)
