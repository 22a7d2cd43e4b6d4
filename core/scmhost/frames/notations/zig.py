"""Zig: panics, error return traces, and the references in compile errors."""

from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import LINE_COLUMN, MatchSpan, Pattern, language_of, match_span, names_a_file
from scmhost.frames.notation import ContextLines, Notation

_PATH: Final = r"(?P<path>(?:[A-Za-z]:(?=[\\/]))?[^\s:\"'<>|][^:\"<>|\n]{0,300})"
_FRAME: Final = Pattern(
    rf"(?:(?:error: )?'[^'\n]{{1,300}}' failed: )?{_PATH}:{LINE_COLUMN}: 0x[0-9a-f]{{1,16}} in "
    r"(?P<function>\S.{0,500}?)(?: \((?P<module>[^()\n]{1,200})\))?$"
)
_NO_FILE: Final = Pattern(r"\?\?\?:\?:\?: 0x[0-9a-f]{1,16} in ")
_REFERENCE: Final = Pattern(
    r"(?P<function>[^\s:]{1,300}): (?P<path>(?:[A-Za-z]:(?=[\\/]))?[^\s:\"'<>|][^:\"<>|\n]{0,300}\.zig)"
    rf":{LINE_COLUMN}$"
)


def _read(line: str, _context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``/srv/shop/src/cart.zig:12:9: 0x1000a1 in total (shop)``, and ``main: src/main.zig:16:8``."""
    if match := _FRAME.match(line):
        language = language_of(match["path"], "zig", "c", "cpp")
        span = match_span(match, language, function=match["function"], module=match["module"])
        return [span] if names_a_file(match["path"]) else []
    if match := _REFERENCE.match(line):
        return [match_span(match, "zig", function=match["function"], kind="diagnostic")]
    return [] if _NO_FILE.match(line) else None


ZIG: Final = Notation("zig", (": 0x", ".zig:"), _read)
