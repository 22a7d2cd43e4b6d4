"""Boost's and the standard library's stacks, and addr2line: `` 1# shop::total(int) at /srv/shop.cpp:12``."""

from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import Spot
from scmhost.frames.languages import native_language
from scmhost.frames.near import Near
from scmhost.frames.paths import looks_like_a_file
from scmhost.frames.patterns import Pattern
from scmhost.frames.spots import LINE, LINE_COLUMN, spot
from scmhost.frames.symbols import bare

HINTS: Final[tuple[str, ...]] = (" at ", ") [0x")

_FAMILY: Final = ("c", "cpp", "rust", "swift", "objectivec")
_HEAD: Final = Pattern(r"(?:\d{1,6}# (?:0x[0-9a-f]{1,16} in )?|0x[0-9a-f]{1,16}: |\(inlined by\) )(?P<symbol>\S.*)$")
_PLACE: Final = Pattern(rf"(?P<path>(?:[A-Za-z]:(?=[\\/]))?[^\s:][^:\n]{{0,1000}}):{LINE_COLUMN}(?: \[0x[0-9a-f]+\])?$")

# glibc's and Ruby's: the binary with a symbol, then its file where that is known.
_GLIBC: Final = Pattern(
    r"(?:/|\./|[\w.-]{1,100}\()[^()\n]{0,500}?\(?(?P<symbol>[^()+\s]{0,300})(?:\+0x[0-9a-f]+)?\) \[0x[0-9a-f]+\]"
    rf" (?P<path>[^\s:][^:\n]{{0,500}}\.[a-z]{{1,3}}):{LINE}$"
)


def read(line: str, _near: Near) -> Sequence[Spot] | None:
    """The frame on this line."""
    if "[0x" in line and (found := _GLIBC.match(line)):
        return [spot(found, native_language(found["path"], found["symbol"], "c", *_FAMILY), function=found["symbol"])]
    head, _, place = line.rpartition(" at ")
    symbol = _HEAD.match(head)
    found = symbol and _PLACE.match(line, len(line) - len(place))
    if not symbol or not found or not looks_like_a_file(found["path"]):
        return None
    return [
        spot(found, native_language(found["path"], symbol["symbol"], "cpp", *_FAMILY), function=bare(symbol["symbol"]))
    ]
