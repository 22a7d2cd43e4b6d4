"""Nim: tracebacks, and the places of its compiler and of unittest."""

from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import LINE, MatchSpan, Pattern, match_span
from scmhost.frames.notation import ContextLines, Notation

_PATH: Final = (
    r"(?P<path>(?!\.+ )(?:[A-Za-z]:(?=[\\/]))?[^\s:\"'<>|()`][^:\"'<>|()`\n]{0,300}\.(?:nim|nims|nimble|nimf))"
)
_PLACE: Final = rf"{_PATH}\({LINE}(?:, (?P<column>\d{{1,9}})(?!\d))?\)"
_WORDS: Final = r"(?:\.{1,200} )?(?:[^:()\n]{1,200}: ){0,3}"
_FRAME: Final = Pattern(rf"{_WORDS}{_PLACE} +(?P<function>[^\s:]{{1,300}})$")
# "unhandled exception: " before an assertion; "[FAILED]" and other words of unittest are on other lines.
_MESSAGE: Final = Pattern(rf"{_WORDS}{_PLACE}(?::|$| )")
# An assertion names its own place behind that of the code that failed.
_LATER: Final = Pattern(
    rf" (?P<path>(?:[A-Za-z]:(?=[\\/]))?[^\s:\"'<>|()`]{{1,300}}\.nim)\({LINE}, (?P<column>\d{{1,9}})(?!\d)\)"
)


def _read(line: str, _context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``/srv/shop/cart.nim(174) total``, and ``cart.nim(12, 5) Error: type mismatch``."""
    if match := _FRAME.match(line):
        return [match_span(match, "nim", function=match["function"])]
    match = _MESSAGE.match(line)
    if not match:
        return None
    places = [match, *_LATER.finditer(line, match.end())]
    return [match_span(place, "nim", kind="diagnostic") for place in places]


NIM: Final = Notation("nim", (".nim",), _read)
