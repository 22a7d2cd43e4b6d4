"""React Native's places: ``app/Shop.js:12:3 in total``; and React's own: ``in Shop (at App.js:12)``."""

from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import Spot
from scmhost.frames.near import Near
from scmhost.frames.patterns import Pattern
from scmhost.frames.spots import LINE, spot

HINTS: Final[tuple[str, ...]] = (" in ", "in ")

_SCRIPT: Final = r"\.(?:[cm]?[jt]sx?|bundle)(?:\?[^\s:]{0,500})?"
_PLACE: Final = Pattern(
    rf"(?:- )?(?P<path>(?:https?://[^\s/()]{{1,100}})?[^\s:()]{{1,1000}}{_SCRIPT}):{LINE}:(?P<column>\d{{1,9}}) in"
    rf" (?P<function>\S.{{0,300}})$"
)
_ELEMENT: Final = Pattern(
    rf"in (?P<function>[^\s()]{{1,200}}) \(at (?:\*\*)?(?P<path>[^\s():]{{1,500}}{_SCRIPT}):{LINE}(?:\*\*)?\)"
)


def read(line: str, _near: Near) -> Sequence[Spot] | None:
    """The frame on this line."""
    found = _PLACE.match(line) or _ELEMENT.match(line)
    return [spot(found, "javascript", function=found["function"])] if found else None
