"""Sentry: the stacks of its e-mails and of issues that were copied as text, in every language."""

from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import LINE, LINE_COLUMN, ROOT, MatchSpan, Pattern, is_source, known_language, match_span
from scmhost.frames.notation import ContextLines, Notation

_FRAME: Final = Pattern(
    rf"(?:[-*•] )?(?P<path>(?:{ROOT}|[a-z][\w+.-]{{1,30}}://?|node:)?[^\s:\"'`(<\[][^:\"'`(<\n]{{0,500}}?) in "
    rf"(?P<function>\S.{{0,300}}?) at line {LINE_COLUMN}(?: within [^\n]{{1,200}})?(?: \([Ii]n [Aa]pp\))?$"
)
# Sentry's text for language models: "total in file shop/cart.py [Line 12] (In app)".
_BRACKETED: Final = Pattern(
    rf"(?:[-*•] )?(?P<function>\S.{{0,300}}?) in (?:file )?(?P<path>(?:{ROOT})?[^\s:\"'`(<\[][^:\"'`(<\[\n]{{0,500}})"
    rf" \[Line {LINE}(?:, column (?P<column>\d{{1,9}}))?[^\]\n]{{0,40}}\]"
)


def _read(line: str, _context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``lib/shop/cart.ex in Shop.Cart.total/2 at line 430``."""
    match = _FRAME.match(line) or _BRACKETED.match(line)
    if not match or not (is_source(match["path"]) or match["path"].startswith("node:")):
        return None
    function = match["function"] if match["function"] != "?" else None
    return [match_span(match, known_language(match["path"]) or "javascript", function=function)]


SENTRY: Final = Notation("sentry", (" at line ", " [Line "), _read)
