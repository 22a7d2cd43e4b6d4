"""Apple's crash reports: ``3   Shop   0x0001 -[Shop total] + 52 (Shop.m:12)``; Kotlin/Native prints alike."""

from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import Spot
from scmhost.frames.languages import language_of
from scmhost.frames.near import Near
from scmhost.frames.paths import names_a_file
from scmhost.frames.patterns import Pattern
from scmhost.frames.spots import LINE, LINE_COLUMN, spot
from scmhost.frames.symbols import bare

HINTS: Final[tuple[str, ...]] = ("0x", "(in ", " + ")

_FAMILY: Final = ("swift", "objectivec", "c", "cpp", "kotlin")
_FILE: Final = rf"\((?P<path>[^():\n]{{1,1000}}):{LINE_COLUMN}\)"
_FRAME: Final = Pattern(
    r"(?:at )?\d{1,6}\s+(?P<module>\S[^\n]{0,200}?)\s+0x[0-9a-f]{4,16}\s+(?P<symbol>\S[^\n]{0,1000}?)"
    rf"(?: \(in [^()\n]{{1,200}}\))?(?: \+ \d{{1,9}})? {_FILE}"
)
_ATOS: Final = Pattern(rf"(?P<symbol>\S[^\n]{{0,1000}}?) \(in (?P<module>[^()\n]{{1,200}})\)(?: \+ \d{{1,9}})? {_FILE}")
# What is left when a report was copied from Xcode's window.
_SYMBOL: Final = Pattern(
    rf"(?P<symbol>\S[^\n]{{0,1000}}?) \+ \d{{1,9}} \((?P<path>[^():\n]{{1,300}}\.(?:swift|mm?|c|cc|cpp|h)):{LINE}\)$"
)
_BINARY: Final = Pattern(r"\d{1,6}\s+\S[^\n]{0,200}?\s+0x[0-9a-f]{8,16}\s+\S")


def read(line: str, _near: Near) -> Sequence[Spot] | None:
    """The frame on this line; one without a file gives none."""
    found = _FRAME.match(line) or _ATOS.match(line)
    if found and names_a_file(found["path"]):
        language = language_of(found["path"], "objectivec", *_FAMILY)
        return [spot(found, language, function=bare(found["symbol"]), module=found["module"].strip())]
    if found := _SYMBOL.match(line):
        return [spot(found, language_of(found["path"], "objectivec", *_FAMILY), function=bare(found["symbol"]))]
    return [] if _BINARY.match(line) else None
