"""The sanitizers' frames: ``#1 0x4cd963 in shop::total(int) /srv/shop.cc:12:5``, as Chromium prints them too."""

import re
from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import Frame, Spot
from scmhost.frames.languages import is_source, native_language
from scmhost.frames.near import Near
from scmhost.frames.paths import names_a_file
from scmhost.frames.patterns import Pattern
from scmhost.frames.spots import number
from scmhost.frames.symbols import bare

HINTS: Final[tuple[str, ...]] = ("#",)

_FAMILY: Final = ("c", "cpp", "objectivec", "swift", "rust", "go")
_HEAD: Final = Pattern(r"#\d{1,6}:?\s+(?P<address>0x[0-9a-f]{1,16}\s+)?(?:in )?(?=\S)")
_BINARY: Final = Pattern(r"\s+\((?:BuildId: )?[^()\s]{1,500}\)(?:\s+\(BuildId: [0-9a-f]{1,64}\))?$")
_PLACE: Final = Pattern(r":(?P<line>\d{1,9})(?::(?P<column>\d{1,9}))?\]?$")
_PATH: Final = Pattern(r"\s\[?(?=[A-Za-z]:[\\/]|\.{0,2}/|~/)")
# A relative path with blanks begins where a list of arguments has ended.
_ARGUMENTS: Final = Pattern(r"\)(?: const)?(?: noexcept)? (?=[^\s)])")


def read(line: str, _near: Near) -> Sequence[Spot] | None:
    """The frame on this line; one without a file gives none."""
    head = _HEAD.match(line)
    if not head:
        return None
    tail = _BINARY.search(line)
    rest = line[: tail.start()] if tail else line
    place = _PLACE.search(rest)
    if place:
        return _placed(rest, head, place, certain=bool(head["address"] or tail))
    return [] if head["address"] else None


def _placed(line: str, head: re.Match[str], place: re.Match[str], *, certain: bool) -> Sequence[Spot] | None:
    rooted = _PATH.search(line, head.end() - 1, place.start())
    rooted = rooted or _ARGUMENTS.search(line, head.end(), place.start())
    start = rooted.end() if rooted else line.rfind(" ", head.end(), place.start()) + 1
    start += line.startswith("[", start)
    path = line[start : place.start()]
    symbol = line[head.end() : start].rstrip(" [")
    if not path or not symbol or not names_a_file(path) or not (certain or (rooted and is_source(path))):
        return [] if certain else None
    language = native_language(path, symbol, "cpp", *_FAMILY)
    frame = Frame(path, number(place["line"]), number(place["column"]), bare(symbol), language=language)
    return [Spot(frame, start, place.end("line"))]
