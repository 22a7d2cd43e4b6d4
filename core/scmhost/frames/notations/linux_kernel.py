"""Linux's call traces with sources: ``dump_stack+0x1fd/0x2d9 lib/dump_stack.c:118``, and where it warned."""

from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import Spot
from scmhost.frames.near import Near
from scmhost.frames.patterns import Pattern
from scmhost.frames.spots import LINE, spot

HINTS: Final[tuple[str, ...]] = (".c:", ".h:", ".S:", ".rs:")

_PATH: Final = r"(?P<path>[\w./+-]{1,300}/[\w.+-]{1,100}\.(?:[chS]|rs))"
_FRAME: Final = Pattern(
    rf"(?:RIP: [0-9a-f]{{4}}:)?(?:\? )?(?!at )(?P<function>[\w.]{{1,200}})"
    rf"(?P<offset>\+0x[0-9a-f]+/0x[0-9a-f]+)? {_PATH}:{LINE}(?P<inline> \[inline\])?$"
)
_DECODED: Final = Pattern(
    rf"(?:RIP: [0-9a-f]{{4}}:)?(?:\? )?(?P<function>[\w.]{{1,200}}) \((?:\S{{1,300}}/)??{_PATH}:{LINE}(?: "
    r"\(discriminator \d+\))?[^()]*\)"
)
_WARNING: Final = Pattern(
    rf"(?:.{{0,100}}\bPID: \d+ at|kernel BUG at) {_PATH}:{LINE}(?:!| (?P<function>[\w.]{{1,200}})\+0x)"
)


def read(line: str, _near: Near) -> Sequence[Spot] | None:
    """The frame on this line."""
    found = _FRAME.match(line)
    if found and not (found["offset"] or found["inline"] or found["path"][0] != "/"):
        return None
    found = found or _DECODED.match(line) or _WARNING.match(line)
    return [spot(found, "c", function=found["function"])] if found else None
