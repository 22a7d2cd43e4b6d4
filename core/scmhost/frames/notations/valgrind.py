"""Valgrind's frames: ``at 0x4C2FB0F: malloc (vg_replace_malloc.c:299)``."""

from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import Spot
from scmhost.frames.languages import native_language
from scmhost.frames.near import Near
from scmhost.frames.patterns import Pattern
from scmhost.frames.spots import LINE, spot
from scmhost.frames.symbols import bare

HINTS: Final[tuple[str, ...]] = ("at 0x", "by 0x")

_FRAME: Final = Pattern(
    rf"(?:at|by) 0x[0-9A-Fa-f]{{1,16}}: (?P<symbol>.{{1,2000}}) \((?P<path>[^():\n]{{1,1000}}):{LINE}\)$"
)
_BINARY: Final = Pattern(r"(?:at|by) 0x[0-9A-Fa-f]{1,16}: ")


def read(line: str, _near: Near) -> Sequence[Spot] | None:
    """The frame on this line; one without a file gives none."""
    if found := _FRAME.match(line):
        return [
            spot(
                found,
                native_language(found["path"], found["symbol"], "c", "cpp", "rust"),
                function=bare(found["symbol"]),
            )
        ]
    return [] if _BINARY.match(line) else None
