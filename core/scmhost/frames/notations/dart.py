"""Dart's frames: ``#1      total (package:shop/shop.dart:12:3)``."""

from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import Spot
from scmhost.frames.near import Near
from scmhost.frames.patterns import Pattern
from scmhost.frames.spots import spot

HINTS: Final[tuple[str, ...]] = ("#", "<asynchronous suspension>")

_FRAME: Final = Pattern(
    r"(?<!\w)#\d{1,6}\s+(?P<function>[^()\n]{1,500}?) "
    r"\((?P<path>(?:package|dart|file|org-dartlang-[\w-]+|https?):[^()\n]{1,1000}?|(?:[A-Za-z]:)?[^():\n]{1,1000}\.dart)"
    r"(?::(?P<line>\d{1,9})(?::(?P<column>\d{1,9}))?)?\)"
)
_LATER: Final = "<asynchronous suspension>"


def read(line: str, _near: Near) -> Sequence[Spot] | None:
    """The frames on this line."""
    found = [spot(one, "dart", function=one["function"].strip()) for one in _FRAME.finditer(line)]
    return found or ([] if line.endswith(_LATER) else None)
