"""Haskell: call stacks of HasCallStack and of profiling, GHC's runtime errors, Hspec, HUnit, Hedgehog and doctest."""

import re
from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import MatchSpan, Pattern, match_span
from scmhost.frames.notation import ContextLines, Notation

_EXTENSION: Final = r"\.(?:l?hs|hsc|hs-boot|chs)"
_DRIVE: Final = r"(?:[A-Za-z]:(?=[\\/]))?"
_PATH: Final = rf"(?P<path>{_DRIVE}[^\s:\"'`<>|()‘’][^:\"`<>|()‘’\n]{{0,300}}{_EXTENSION})"
# Words of a message would be taken for the beginning of a relative path with blanks.
_PLAIN_PATH: Final = (
    rf"(?P<path>(?:(?:[A-Za-z]:[\\/]|~?/)[^:\"`<>|()‘’\n]{{1,300}}|[^\s:\"'`<>|()‘’]{{1,300}}){_EXTENSION})"
)
# "12:5", "12:5-20" and "(12,5)-(14,20)".
_PLACE: Final = r":\(?(?P<line>\d{1,9})(?!\d)(?:[:,](?P<column>\d{1,9})(?!\d))?"
_CALLED: Final = Pattern(
    rf", called at {_PATH}{_PLACE}"
    r"(?: in [^\s:]{1,200}:(?P<module>\S{1,200}))?"
)
_COST_CENTRE: Final = Pattern(rf" \({_PATH}{_PLACE}[-(,\d)]{{0,30}}\)$")
# The name of a program or package, or the words of GHCi or doctest, may be before the place of an error.
_ERROR: Final = Pattern(
    r"(?:\*{3} Exception: |Failure in:? |Stopped in \S{1,200}, |[\w.-]{1,60}: |[\w.-]{1,60} {0,20}> )?"
    rf"{_PLAIN_PATH}{_PLACE}"
)
# "Defined at", "bound at" and "imported from" of GHC's messages, and "failed at" of Hedgehog.
_MENTIONED: Final = Pattern(rf" at {_PLAIN_PATH}{_PLACE}")


def _read(line: str, _context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``error, called at src/Cost.hs:12:5 in shop-0.1:Cost`` and ``Cost.total (src/Cost.hs:12:3-20)``."""
    if match := _CALLED.search(line):
        return [match_span(match, "haskell", function=_word_before(line, match), module=match["module"])]
    if match := _COST_CENTRE.search(line):
        return [match_span(match, "haskell", function=_word_before(line, match))]
    if match := _ERROR.match(line):
        return [match_span(match, "haskell", kind="diagnostic")]
    spans = [match_span(match, "haskell", kind="diagnostic") for match in _MENTIONED.finditer(line)]
    return spans or None


def _word_before(line: str, match: re.Match[str]) -> str:
    return line[line.rfind(" ", 0, match.start()) + 1 : match.start()]


HASKELL: Final = Notation("haskell", (".hs", ".lhs", ".chs:"), _read)
