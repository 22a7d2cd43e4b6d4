"""Crystal: backtraces, the places that its compiler prints, and specs."""

from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import LINE_COLUMN, MatchSpan, Pattern, match_span, without_arguments
from scmhost.frames.notation import ContextLines, Notation

_PATH: Final = r"(?P<path>(?:[A-Za-z]:(?=[\\/]))?[^\s:\"'<>|()][^:\"'<>|()\n]{0,300}\.(?:cr|ecr))"
_FRAME: Final = Pattern(rf"(?:from )?{_PATH}:{LINE_COLUMN} in (?:'(?P<quoted>.{{1,500}})'|(?P<function>\S{{1,500}}))$")
_FROM: Final = Pattern(rf"from {_PATH}:{LINE_COLUMN}$")
# Before 0.25 a frame began with its address.
_ADDRESS: Final = Pattern(rf"0x[0-9a-f]{{1,16}}: (?P<function>\S.{{0,500}}?) at {_PATH} {LINE_COLUMN}$")
# "In src/cart.cr:12:5", "Error in src/cart.cr:12: ...", "Called macro defined in", "crystal spec spec/cart_spec.cr:12".
_PLACE: Final = Pattern(rf"(?<!\S)(?:[Ii]n |crystal spec ){_PATH}:{LINE_COLUMN}")


def _read(line: str, _context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``from src/shop/cart.cr:12:5 in 'total'``, and the compiler's ``In src/shop/cart.cr:12:5``."""
    if match := _FRAME.match(line):
        return [match_span(match, "crystal", function=without_arguments(match["quoted"] or match["function"]))]
    if match := _FROM.match(line):
        return [match_span(match, "crystal")]
    if match := _ADDRESS.match(line):
        return [match_span(match, "crystal", function=without_arguments(match["function"]))]
    places = [match_span(match, "crystal", kind="diagnostic") for match in _PLACE.finditer(line)]
    return places or None


CRYSTAL: Final = Notation("crystal", (".cr:", ".ecr:", ".cr "), _read)
