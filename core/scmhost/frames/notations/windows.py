"""Stacks on Windows: WinDbg's ``shop!total+0x1d [c:/shop.cpp @ 12]``, Chromium's ``total [0x0+1] (shop.cc:12)``."""

import re
from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import Spot
from scmhost.frames.languages import native_language
from scmhost.frames.near import Near
from scmhost.frames.patterns import Pattern
from scmhost.frames.spots import LINE, spot
from scmhost.frames.symbols import bare

HINTS: Final[tuple[str, ...]] = (" @ ", "] (")

_WINDBG: Final = Pattern(
    rf"(?:[^\n]{{0,200}}\s)?(?P<module>[\w.-]{{1,100}})!(?P<symbol>[^\n\[]{{1,500}}?)(?:\+0x[0-9a-f`]+)? \["
    rf"(?P<path>[^\]\n]{{1,1000}}) @ {LINE}\]"
)
_CHROMIUM: Final = Pattern(
    rf"(?P<symbol>\S[^\n]{{0,500}}?) \[0x[0-9A-Fa-f]+\+\d+\] \((?P<path>[^()\n]{{1,1000}}):{LINE}\)$"
)


def read(line: str, _near: Near) -> Sequence[Spot] | None:
    """The frame on this line."""
    if found := _WINDBG.match(line):
        return [spot(found, _language(found), function=bare(found["symbol"]), module=found["module"])]
    found = _CHROMIUM.match(line)
    return [spot(found, _language(found), function=bare(found["symbol"]))] if found else None


def _language(found: re.Match[str]) -> str:
    return native_language(found["path"], found["symbol"], "cpp", "c", "rust")
