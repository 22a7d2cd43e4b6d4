"""PHP frames in the rows of tools: Xdebug's, Symfony's console and Collision's, whose functions stand beside."""

from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import Spot
from scmhost.frames.near import Near
from scmhost.frames.patterns import Pattern
from scmhost.frames.spots import LINE, spot

HINTS: Final[tuple[str, ...]] = (".php:", "bin/")

_PATH: Final = r"(?P<path>(?:[A-Za-z]:(?=[\\/])|[a-z]{2,10}://)?[^\s:\"'`(][^:\"'`(\n]{0,500}\.(?:php|inc|phtml))"
_XDEBUG: Final = Pattern(
    rf"(?:PHP |[\d.\s]{{1,60}} )? *\d{{1,6}}\.?\s+(?P<function>[^\s(]{{1,300}})\(.*\) {_PATH}:{LINE}$"
)
_CONSOLE: Final = Pattern(rf"(?P<function>[^\s(]{{1,300}})\((?:\.\.\.)?\) at {_PATH}:{LINE}$")
_THROWN: Final = Pattern(rf"at {_PATH}:{LINE}$")
_COLLISION: Final = Pattern(rf"(?:\d{{1,6}}|➜)\s+{_PATH}:{LINE}$")
_SYMFONY: Final = Pattern(rf"\({_PATH}:{LINE}\)$")
_CALL: Final = Pattern(r"(?:at )?(?P<function>[^\s(]{1,300})\(")

# PHPUnit's stacks are lists of places; what has no extension follows one that has.
_PLACE: Final = Pattern(rf"{_PATH}:{LINE}$")
_SCRIPT: Final = Pattern(rf"(?P<path>/[^\s:\"'`(]{{1,500}}/[^\s:\"'`(./]{{1,100}}):{LINE}$")


def read(line: str, near: Near) -> Sequence[Spot] | None:
    """The frame on this line."""
    if found := _XDEBUG.match(line) or _CONSOLE.match(line):
        return [spot(found, "php", function=found["function"])]
    if found := _THROWN.match(line):
        return [spot(found, "php")]
    if found := _COLLISION.match(line):
        return [spot(found, "php", function=_called(near.after()))]
    if found := _SYMFONY.match(line):
        return [spot(found, "php", function=_called(near.before()))]
    found = _PLACE.match(line) or (_PLACE.match(near.before()) and _SCRIPT.match(line))
    return [spot(found, "php")] if found else None


def _called(line: str) -> str | None:
    found = _CALL.match(line)
    return found["function"] if found else None
