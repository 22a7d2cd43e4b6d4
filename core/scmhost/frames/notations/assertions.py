"""Assertions of C and C++, and what UBSan says at once: ``shop: shop.c:12: total: Assertion `n' failed``."""

from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import Spot
from scmhost.frames.languages import native_language
from scmhost.frames.near import Near
from scmhost.frames.patterns import Pattern
from scmhost.frames.spots import LINE, LINE_COLUMN, spot
from scmhost.frames.symbols import bare

HINTS: Final[tuple[str, ...]] = ("ssert", "ASSERT", ": runtime error: ")

_PATH: Final = r"(?P<path>(?:[A-Za-z]:(?=[\\/]))?[^\s:\"'(,][^:\"'(,\n]{0,500}\.[A-Za-z][\w+]{0,5})"
_ROWS: Final = (
    # glibc, BSD and macOS, newlib, Microsoft and Qt, UBSan
    Pattern(rf"(?:.{{0,200}}: )?{_PATH}:{LINE}: (?P<function>[^\n]{{1,500}}?): Assertion "),
    Pattern(rf".{{0,200}}?Assertion failed: .{{0,500}}, function (?P<function>.{{1,300}}?), file {_PATH}, line {LINE}"),
    Pattern(
        rf"assertion \".{{0,500}}\" failed: file \"{_PATH}\", line {LINE}(?:, function: (?P<function>.{{1,300}}))?$"
    ),
    Pattern(rf"(?:Assertion failed: |ASSERT: ).{{0,500}}(?:,| in) file {_PATH}, line {LINE}(?P<function>(?!))?"),
    Pattern(rf"{_PATH}:{LINE_COLUMN}: runtime error: (?P<function>(?!))?"),
)


def read(line: str, _near: Near) -> Sequence[Spot] | None:
    """The place that failed."""
    found = next((one for pattern in _ROWS if (one := pattern.match(line))), None)
    if not found:
        return None
    function = found["function"]
    return [
        spot(
            found,
            native_language(found["path"], function or "", "c", "cpp", "objectivec"),
            function=function and bare(function),
        )
    ]
