"""Babashka and SCI: the location of an error, and the stack trace below it."""

from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import LINE, LINE_COLUMN, MatchSpan, Pattern, match_span
from scmhost.frames.notation import ContextLines, Notation

_PATH: Final = r"(?P<path>(?:[A-Za-z]:(?=[\\/]))?[^\s:\"'<>|(][^:\"<>|\n]{0,300}\.(?:clj[cds]?|bb))"
_LOCATION: Final = Pattern(rf"Location: {{1,8}}{_PATH}:{LINE_COLUMN}$")
_FRAME: Final = Pattern(rf"(?P<function>[^\s()]{{1,300}}) +- {_PATH}:{LINE}:(?P<column>\d{{1,9}})$")


def _read(line: str, _context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``Location: /srv/shop/cart.clj:5:3``, and ``cart/total  - /srv/shop/cart.clj:8:3``."""
    if match := _LOCATION.match(line):
        return [match_span(match, "clojure")]
    if match := _FRAME.match(line):
        function = match["function"] if "/" in match["function"] else None
        return [match_span(match, "clojure", function=function)]
    return None


BABASHKA: Final = Notation("babashka", (".clj", ".bb:"), _read)
