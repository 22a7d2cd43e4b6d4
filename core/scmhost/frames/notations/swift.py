"""Swift's own words: ``Fatal error: ...: file Shop/Cart.swift, line 12``, and its backtraces on Linux."""

from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import Spot
from scmhost.frames.near import Near
from scmhost.frames.patterns import Pattern
from scmhost.frames.spots import LINE, LINE_COLUMN, spot
from scmhost.frames.symbols import bare

HINTS: Final[tuple[str, ...]] = (".swift",)

_PATH: Final = r"(?P<path>[^\s:\"'(][^:\"'(\n]{0,500}\.swift)"
_FAULT: Final = r"(?:[Ff]atal error|[Pp]recondition failed|[Aa]ssertion failed)"
_THROWN: Final = Pattern(rf"\bfile {_PATH}, line {LINE}")
_FIRST: Final = Pattern(rf"(?:.{{0,200}}\s)??{_PATH}:{LINE}: {_FAULT}")
_BACKTRACE: Final = Pattern(
    rf"\d{{1,6}}(?: \[[a-z. ]{{1,30}}\])*\s+0x[0-9a-f]{{4,16}} (?P<symbol>.{{1,1000}}?)(?: \+ \d{{1,9}})? in"
    rf" (?P<module>\S{{1,200}}) at (?P<path>[^\s:][^:\n]{{0,500}}):{LINE_COLUMN}$"
)

_SERVER: Final = Pattern(
    rf"0x[0-9a-f]{{4,16}}, (?P<symbol>\S.{{0,1000}}?) at (?P<path>[^\s:][^:\n]{{0,500}}\.swift):{LINE}$"
)


def read(line: str, _near: Near) -> Sequence[Spot] | None:
    """The place or the frame on this line."""
    if found := _BACKTRACE.match(line):
        return [spot(found, "swift", function=bare(found["symbol"]), module=found["module"])]
    if found := _SERVER.match(line):
        return [spot(found, "swift", function=bare(found["symbol"]))]
    found = _THROWN.search(line) or _FIRST.match(line)
    return [spot(found, "swift")] if found else None
