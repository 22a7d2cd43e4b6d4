"""xUnit's frames: ``/src/ShopTests.cs(12,0): at Acme.Tests.ShopTests.Total()``."""

from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import Spot
from scmhost.frames.near import Near
from scmhost.frames.patterns import Pattern
from scmhost.frames.spots import LINE, spot

HINTS: Final[tuple[str, ...]] = ("): at ",)

_FRAME: Final = Pattern(
    rf"(?P<path>(?:[A-Za-z]:)?[^\s:(][^:(\n]{{0,1000}})\({LINE},(?P<column>\d{{1,9}})\): at"
    rf" (?P<function>[^()\n]{{1,600}})\("
)


def read(line: str, _near: Near) -> Sequence[Spot] | None:
    """The frame on this line."""
    found = _FRAME.match(line)
    return [spot(found, "csharp", function=found["function"])] if found else None
