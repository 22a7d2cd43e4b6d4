"""Opera's stacks before it was Chromium: ``called from line 27, column 8 in total(n) in http://acme.dev/shop.js:``."""

from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import Spot
from scmhost.frames.near import Near
from scmhost.frames.patterns import Pattern
from scmhost.frames.spots import LINE, spot
from scmhost.frames.symbols import bare

HINTS: Final[tuple[str, ...]] = ("thrown at line ", "called from line ", "called via ")

_FRAME: Final = Pattern(
    rf"(?:Error thrown at|called (?:from|via [\w. ()]{{1,60}} from)) line {LINE}, column (?P<column>\d{{1,9}})"
    r"(?: in (?P<function>.{1,300}?))? in (?P<path>[a-z]{2,10}://\S{1,1000}?|\S{1,500}/\S{1,500}?):$"
)


def read(line: str, _near: Near) -> Sequence[Spot] | None:
    """The frame on this line."""
    found = _FRAME.match(line)
    if not found:
        return None
    function = found["function"]
    return [spot(found, "javascript", function=function and bare(function))]
