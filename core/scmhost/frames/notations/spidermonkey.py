"""SpiderMonkey and JavaScriptCore: ``f@url:12:3``; a browser's console has blanks around the sign."""

import re
from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import Spot
from scmhost.frames.languages import is_source, language_of
from scmhost.frames.near import Near
from scmhost.frames.paths import names_a_file
from scmhost.frames.patterns import Pattern
from scmhost.frames.spots import LINE, LINE_COLUMN, spot

HINTS: Final[tuple[str, ...]] = ("@", "://")

_SYMBOL: Final = r"(?P<function>[^@\n]{0,300}?) ?@ ?"
_PATH: Final = (
    r"(?P<path>(?:[a-z][a-z0-9+.-]{1,30}:(?=/|[^\s:]{0,300}\.)|/|[A-Za-z]:[\\/])[^\n]{0,2000}?"
    r"|[\w./-]{1,300}\.[A-Za-z]\w{0,9}(?:\?[^\s:]{0,500})?)"
)
_FRAME: Final = Pattern(rf"{_SYMBOL}{_PATH}:{LINE_COLUMN}$")
# Firefox prints where the eval stands, then the place within its text.
_EVAL: Final = Pattern(rf"{_SYMBOL}{_PATH} line {LINE} > .{{1,100}}$")
# JavaScriptCore prints a function without a name as its URL alone.
_URL: Final = Pattern(rf"(?P<path>https?://[^\s@()\"']{{1,2000}}?):{LINE}:(?P<column>\d{{1,9}})(?!\d)$")
_NATIVE: Final = Pattern(r"[\w$.<>/ ]{0,200}@\[native code\]$")
_LATER: Final = Pattern(r"(?:async|[a-zA-Z ]{1,40}(?: handler| callback))\*")

# Old browsers print arguments, or those of a function without a name alone.
_ARGUMENTS: Final = Pattern(r"(?<=[\w$>])\([^\n]*\)$|^\((?:null)?\)$")


def read(line: str, _near: Near) -> Sequence[Spot] | None:
    """The frame on this line; native code gives none."""
    found = _EVAL.match(line) or _FRAME.match(line)
    if found and _is_place(found):
        function = _ARGUMENTS.sub("", _LATER.sub("", found["function"]))
        return [spot(found, language_of(found["path"], "javascript", "dart"), function=function)]
    if found := _URL.match(line):
        return [spot(found, "javascript")]
    return [] if _NATIVE.match(line) else None


def _is_place(found: re.Match[str]) -> bool:
    path = found["path"]
    return names_a_file(path) and ("/" in path or "\\" in path or is_source(path))
