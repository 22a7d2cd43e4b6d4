"""pytest's places: ``tests/test_shop.py:12: in test_total`` and ``tests/test_shop.py:12: AssertionError``."""

from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import Spot
from scmhost.frames.near import Near
from scmhost.frames.patterns import Pattern
from scmhost.frames.spots import LINE, spot

HINTS: Final[tuple[str, ...]] = (".py:", ".pyx:")

# A linter's "app.py:12: error: ..." goes on after the word, and is no place of a failure.
_PLACE: Final = Pattern(
    rf"(?P<path>(?:[A-Za-z]:[\\/])?[^\s:\"'<>|][^:\"<>|]{{0,1000}}\.pyx?):{LINE}"
    r":(?: ?in (?P<function>\S.*)| ?(?:[A-Za-z_]\w*\.)*[A-Z]\w*)?$"
)


def read(line: str, _near: Near) -> Sequence[Spot] | None:
    """The frame on this line: an entry with its function, or the place where the exception was raised."""
    found = _PLACE.match(line)
    return [spot(found, "python", function=found["function"])] if found else None
