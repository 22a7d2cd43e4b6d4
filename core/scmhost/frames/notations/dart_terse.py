"""Dart's stacks of package:stack_trace and of the web: ``package:shop/shop.dart 12:3   Shop.total``."""

from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import Spot
from scmhost.frames.languages import language_of
from scmhost.frames.near import Near
from scmhost.frames.patterns import Pattern
from scmhost.frames.spots import LINE, spot

HINTS: Final[tuple[str, ...]] = (".dart ", "dart:", ".js ", "package:")

_FRAME: Final = Pattern(
    rf"(?P<path>(?:package|dart|file|org-dartlang-[\w-]+|https?):[^\s()]{{1,1000}}|[^\s():]{{1,1000}}\."
    rf"(?:dart|js)) {LINE}(?::(?P<column>\d{{1,9}})\s+|\s{{2,}})(?P<function>\S.{{0,300}})$"
)


def read(line: str, _near: Near) -> Sequence[Spot] | None:
    """The frame on this line."""
    found = _FRAME.match(line)
    if not found:
        return None
    return [spot(found, language_of(found["path"], "dart", "javascript"), function=found["function"])]
