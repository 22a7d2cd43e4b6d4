"""Rich's tracebacks, in a box: ``│ /srv/app/shop.py:12 in total          │``."""

from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import Spot
from scmhost.frames.near import Near
from scmhost.frames.patterns import Pattern
from scmhost.frames.spots import LINE, spot

HINTS: Final[tuple[str, ...]] = (".py:",)

_PLACE: Final = Pattern(
    rf"(?P<path>(?:[A-Za-z]:[\\/])?[^\s:\"'<>|][^:\"<>|]{{0,1000}}\.pyx?):{LINE} in (?P<function>[\w<>.]+)\s*[│|]?$"
)


def read(line: str, _near: Near) -> Sequence[Spot] | None:
    """The frame on this line."""
    found = _PLACE.match(line)
    return [spot(found, "python", function=found["function"])] if found else None
