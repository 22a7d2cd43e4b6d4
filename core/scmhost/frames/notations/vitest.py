"""Vitest's frames: ``❯ total src/shop.ts:12:3``."""

from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import Spot
from scmhost.frames.near import Near
from scmhost.frames.patterns import Pattern
from scmhost.frames.spots import LINE, spot

HINTS: Final[tuple[str, ...]] = ("❯ ",)

_FRAME: Final = Pattern(
    r"❯ (?:(?P<function>[^\s:]{1,300}(?: [^\s:/\\]{1,100})?) )?"
    rf"(?P<path>[^\s:]{{1,1000}}\.[A-Za-z]\w{{0,9}}(?:\?[^\s:]{{0,200}})?):{LINE}:(?P<column>\d{{1,9}})$"
)


def read(line: str, _near: Near) -> Sequence[Spot] | None:
    """The frame on this line."""
    found = _FRAME.match(line)
    return [spot(found, "javascript", function=found["function"])] if found else None
