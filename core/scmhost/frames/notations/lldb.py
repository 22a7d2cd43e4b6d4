"""lldb's frames: ``frame #1: 0x0001 shop`total(n=3) at shop.c:12:5``."""

from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import Spot
from scmhost.frames.languages import native_language
from scmhost.frames.near import Near
from scmhost.frames.paths import names_a_file
from scmhost.frames.patterns import Pattern
from scmhost.frames.spots import LINE_COLUMN, spot
from scmhost.frames.symbols import bare

HINTS: Final[tuple[str, ...]] = ("frame ",)

_FAMILY: Final = ("c", "cpp", "objectivec", "swift", "rust", "go")
_HEAD: Final = Pattern(
    r"(?:.{0,40}\s)?frame \\?#\d{1,6}: (?:0x[0-9a-f]{1,16} )?(?P<module>[^`\n]{1,300}?)\\?`(?P<symbol>.{1,2000})$"
)
_PLACE: Final = Pattern(rf"(?P<path>[^\s:][^:\n]{{0,1000}}):{LINE_COLUMN}(?= \[[a-z ]+\]|\s*$)")

_OFFSET: Final = Pattern(r" \+ \d{1,9}$")


def read(line: str, _near: Near) -> Sequence[Spot] | None:
    """The frame on this line; one without a file gives none."""
    head, _, place = line.rpartition(" at ")
    if found := head and _HEAD.match(head):
        where = _PLACE.match(line, len(line) - len(place))
        if where and names_a_file(where["path"]):
            language = native_language(where["path"], found["symbol"], "c", *_FAMILY)
            return [spot(where, language, function=_function(found["symbol"]), module=found["module"])]
    return [] if _HEAD.match(line) else None


def _function(symbol: str) -> str:
    return bare(_OFFSET.sub("", symbol))
