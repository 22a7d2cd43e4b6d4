"""Rust's panics and backtraces: ``panicked at src/main.rs:2:5``, and ``4: shop::total`` with its file below."""

import re
from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import Spot
from scmhost.frames.languages import language_of
from scmhost.frames.near import Near
from scmhost.frames.paths import looks_like_a_file
from scmhost.frames.patterns import Pattern
from scmhost.frames.spots import LINE, LINE_COLUMN, spot

HINTS: Final[tuple[str, ...]] = ("at ", "', ", ".rs:")

_COLUMN: Final = r":(?P<column>\d{1,9})(?!\d)"
_RS: Final = r"(?P<path>(?:[A-Za-z]:)?[^\s:'\"(][^:'\"\n]{0,1000}\.rs)"
_PANIC: Final = Pattern(rf"panicked at {_RS}:{LINE}{_COLUMN}")
# Before 1.73 the message, which may have many lines, stands before the place.
_OLD_PANIC: Final = Pattern(rf"['\")], {_RS}:{LINE}(?:{_COLUMN})?$")
_FILE: Final = Pattern(rf"at (?P<path>(?:[A-Za-z]:)?[^\s:(][^:\n]{{0,1000}}):{LINE_COLUMN}$")
# eyre's reports.
_LOCATION: Final = Pattern(rf"(?P<head>Location: ?)?{_RS}:{LINE}(?:{_COLUMN})?$")
_SYMBOL: Final = Pattern(r"\d{1,6}:\s+(?:0x[0-9a-f]{1,16} - )?(?P<function>\S.*)$")
_INLINED: Final = Pattern(r"(?P<function>[^\s(][^\n]{0,500}::.+|<.+>::.+|\w+)$")
_MIRI: Final = Pattern(rf"inside (?:closure |call to )?`?(?P<function>[^`\n]{{1,300}}?)`? at {_RS}:{LINE_COLUMN}")


def read(line: str, near: Near) -> Sequence[Spot] | None:
    """The place of a panic, or the frame whose file is on this line."""
    if ".rs:" in line:
        if found := _PANIC.search(line) or _OLD_PANIC.search(line):
            return [spot(found, "rust")]
        if found := _MIRI.search(line):
            return [spot(found, "rust", function=found["function"])]
        if (found := _LOCATION.match(line)) and (found["head"] or near.before() == "Location:"):
            return [spot(found, "rust")]
    found = _FILE.match(line)
    return _placed(found, near) if found else None


def _placed(found: re.Match[str], near: Near) -> Sequence[Spot] | None:
    above = near.before(2 if near.before().startswith("with ") else 1)
    symbol = _SYMBOL.match(above)
    if not found["path"].endswith(".rs") and not (symbol and looks_like_a_file(found["path"])):
        return None
    symbol = symbol or _INLINED.match(above)
    function = symbol["function"].rstrip() if symbol else None
    return [spot(found, language_of(found["path"], "rust", "c", "cpp"), function=function)]
