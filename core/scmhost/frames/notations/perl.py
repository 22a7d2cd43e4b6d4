"""Perl's messages and Carp's stacks: ``Died at shop.pl line 12.`` and ``main::total(3) called at shop.pl line 12``."""

from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import Spot
from scmhost.frames.near import Near
from scmhost.frames.paths import names_a_file
from scmhost.frames.patterns import Pattern
from scmhost.frames.spots import LINE, spot

HINTS: Final[tuple[str, ...]] = (" line ",)

_PATH: Final = r"(?P<path>(?:[A-Za-z]:(?=[\\/]))?[^\s:\"'()<>,][^:\"'()<>\n]{0,300}?)"
_CALLED: Final = Pattern(
    r"(?P<function>eval \{\.\.\.\}|eval(?= ')|require(?= )|[^\s(]{1,300}(?=\()|[^\s(&]{0,200}::[^\s(]{1,200})"
    r".{0,2000}? called at "
    rf"{_PATH} line {LINE}"
)
_AT: Final = Pattern(
    rf"(?<!\w)at (?P<path>(?:[A-Za-z]:(?=[\\/]))?[^\s:\"'()<>,]{{1,300}}) line {LINE}(?=[.,;\s)\\\"']|$)"
)
_BLANKS: Final = Pattern(rf"(?<!\w)at (?P<path>(?:[A-Za-z]:[\\/]|/)[^:\"'()<>,\n]{{1,300}}?) line {LINE}(?=[.,;]|$)")
_FILE: Final = Pattern(r".*(?:\.(?:pl|pm|t|cgi|psgi|plx|al|PL|fcgi|pmc|tt|xs|mc)$|[/\\])")


def read(line: str, _near: Near) -> Sequence[Spot] | None:
    """The places on this line; code from the command line gives none."""
    if called := _CALLED.match(line):
        return [spot(called, "perl", function=called["function"])] if names_a_file(called["path"]) else []
    found = [one for one in _AT.finditer(line) if _FILE.match(one["path"])]
    found = found or [one for one in [_BLANKS.search(line)] if one]
    return [spot(one, "perl") for one in found] or None
