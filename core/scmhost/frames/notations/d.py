"""D: uncaught exceptions, failed unit tests, and backtraces on Linux and Windows."""

from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import LINE, MatchSpan, Pattern, match_span, without_arguments
from scmhost.frames.notation import ContextLines, Notation

_PATH: Final = r"(?P<path>(?:[A-Za-z]:(?=[\\/]))?[^\s:\"'<>|()@][^:\"'<>|()@\n]{0,300}\.di?)"
_THROWN: Final = Pattern(rf"(?:[^\s@]{{1,200}}: )?[\w.]{{1,200}}@{_PATH}\({LINE}(?:,(?P<column>\d{{1,9}}))?\)")
_FRAME: Final = Pattern(rf"{_PATH}:{LINE} (?P<symbol>\S.{{0,1000}}) \[0x[0-9a-f]{{1,16}}\]$")
_WINDOWS: Final = Pattern(rf"0x[0-9A-Fa-f]{{1,16}} in (?P<symbol>\S.{{0,1000}}) at {_PATH}\({LINE}\)$")


def _read(line: str, _context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``object.Exception@source/cart.d(12): ...`` and ``source/cart.d:12 int shop.total(int) [0x55d]``."""
    if match := _FRAME.match(line) or _WINDOWS.match(line):
        # The return type and the attributes are before the name.
        name = without_arguments(match["symbol"]).rstrip("!").rpartition(" ")[2]
        return [match_span(match, "d", function=name)]
    thrown = _THROWN.match(line)
    return [match_span(thrown, "d")] if thrown else None


D: Final = Notation("d", (".d(", ".d:", ".di(", ".di:"), _read)
