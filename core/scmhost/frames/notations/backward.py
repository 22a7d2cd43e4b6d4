"""backward-cpp's frames: ``#3 Source "/srv/shop.cpp", line 12, in total``."""

from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import Spot
from scmhost.frames.languages import native_language
from scmhost.frames.near import Near
from scmhost.frames.patterns import Pattern
from scmhost.frames.spots import LINE, spot
from scmhost.frames.symbols import bare

HINTS: Final[tuple[str, ...]] = ('Source "',)

_FRAME: Final = Pattern(
    rf"(?:#\d{{1,6}}\s+|\|\s*)?Source \"(?P<path>[^\"\n]{{1,1000}})\", line {LINE}, in (?P<symbol>.{{1,1000}}?)"
    r"(?: \[0x[0-9a-f]+\])?$"
)


def read(line: str, _near: Near) -> Sequence[Spot] | None:
    """The frame on this line."""
    found = _FRAME.match(line)
    return (
        [spot(found, native_language(found["path"], found["symbol"], "cpp", "c"), function=bare(found["symbol"]))]
        if found
        else None
    )
