"""gdb's frames: ``#1  0x0000555 in total (n=3) at shop.c:12``, which may be wrapped over several lines."""

from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import Spot
from scmhost.frames.languages import is_source, native_language
from scmhost.frames.near import REACH, Near
from scmhost.frames.paths import looks_like_a_file, names_a_file
from scmhost.frames.patterns import Pattern
from scmhost.frames.spots import LINE_COLUMN, spot
from scmhost.frames.symbols import bare

HINTS: Final[tuple[str, ...]] = ("at ",)

_FAMILY: Final = ("c", "cpp", "objectivec", "rust", "go", "swift")
_PLACE: Final = Pattern(
    rf"(?P<path>(?:[A-Za-z]:(?=[\\/]))?(?=[^:\n]{{0,1000}}[A-Za-z])[^\s:\[(\"'<][^:\"<>\n]{{0,1000}}):{LINE_COLUMN}$"
)
_HEAD: Final = Pattern(r"#\d{1,6}\s+(?:0x[0-9a-f]{1,16} in )?(?P<symbol>\S.*)$")
# Where the program stopped.
_STOP: Final = Pattern(
    r"(?:(?:Temporary )?[Bb]reakpoint \d+, )?(?:0x[0-9a-f]{1,16} in )?(?P<symbol>[^\s(#][^#]* \(.*\))$"
)


def read(line: str, near: Near) -> Sequence[Spot] | None:
    """The frame whose file is on this line."""
    if not line[-1:].isdigit():
        return None
    head, _, place = f" {line}".rpartition(" at ")
    found = _PLACE.match(line, len(line) - len(place))
    head = head[1:]
    if place == f" {line}" or not found or not _may_be_a_file(found["path"]):
        return None
    symbol = _symbol(head, near)
    if symbol is None or not (symbol[1] or is_source(found["path"])):
        return None
    return [spot(found, native_language(found["path"], symbol[0], "c", *_FAMILY), function=bare(symbol[0]))]


def _may_be_a_file(path: str) -> bool:
    return looks_like_a_file(path) or (names_a_file(path) and not path[-1].isdigit())


def _symbol(head: str, near: Near) -> tuple[str, bool] | None:
    """The symbol, and whether its line has the mark of a frame."""
    if numbered := _HEAD.match(head):
        return numbered["symbol"], True
    if not head or head.count(")") > head.count("("):
        return _wrapped(near)
    stopped = _STOP.match(head)
    return (stopped["symbol"], False) if stopped else None


def _wrapped(near: Near) -> tuple[str, bool] | None:
    for back in range(1, REACH + 1):
        above = near.before(back)
        if numbered := _HEAD.match(above):
            return numbered["symbol"], True
        if not above or " at " in above:
            break
    return None
