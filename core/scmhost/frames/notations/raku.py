"""Raku: backtraces."""

from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import LINE, MatchSpan, Pattern, match_span
from scmhost.frames.notation import ContextLines, Notation

_FRAME: Final = Pattern(
    r"in (?:sub|method|submethod|block|regex|token|rule|code|any) (?:(?P<function>[^\s/]{1,200}) )?at"
    rf" (?P<path>[^:\"'()<>\s][^:\"'()<>\n]{{0,300}}?)(?: \((?P<module>[^()\n]{{1,200}})\))? line {LINE}$"
)


def _read(line: str, _context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``in method total at lib/Cart.rakumod (Cart) line 12``."""
    match = _FRAME.match(line)
    return [match_span(match, "raku", function=match["function"], module=match["module"])] if match else None


RAKU: Final = Notation("raku", ("in sub ", "in method ", "in block ", "in submethod "), _read)
