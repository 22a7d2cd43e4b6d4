"""Perl: messages, and the stacks of Carp."""

from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import LINE, ROOT, MatchSpan, Pattern, match_span, names_a_file
from scmhost.frames.notation import ContextLines, Notation

_PATH: Final = rf"(?P<path>(?:{ROOT})?[^\s:\"'()<>,][^:\"'()<>\n]{{0,300}}?)"
_CALLED: Final = Pattern(
    r"(?P<function>eval \{\.\.\.\}|eval(?= ')|require(?= )|[^\s(]{1,300}(?=\()|(?=[^\s(&:]{0,200}::)[^\s(]{3,400}+)"
    r".{0,2000}? called at "
    rf"{_PATH} line {LINE}"
)
_AT: Final = Pattern(rf"(?<!\w)at (?P<path>(?:{ROOT})?[^\s:\"'()<>,]{{1,300}}) line {LINE}(?=[.,;\s)\\\"']|$)")
# Only absolute paths: words of the message would be taken for the beginning of a relative one.
_PATH_WITH_BLANKS: Final = Pattern(
    rf"(?<!\w)at (?P<path>(?:[A-Za-z]:[\\/]|/)[^:\"'()<>,\n]{{1,300}}?) line {LINE}(?=[.,;]|$)"
)
# With "#line", or in Perl's debugger, an eval has the file that it is in.
_EVAL: Final = Pattern(rf"(?<!\w)at \(eval \d{{1,9}}\)\[(?P<path>[^\]:\n]{{1,300}}):{LINE}\] line \d")
# Other programs write "at ... line 3", too.
_FILE: Final = Pattern(r".*(?:\.(?:pl|pm|t|cgi|psgi|plx|al|PL|fcgi|pmc|tt|xs|mc|ep|epl)$|[/\\])")


def _read(line: str, _context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``Died at shop.pl line 12.`` and ``main::total(3) called at shop.pl line 12``."""
    if " called at " in line and (called := _CALLED.match(line)):
        return [match_span(called, "perl", function=called["function"])] if names_a_file(called["path"]) else []
    if evaluated := _EVAL.search(line):
        return [match_span(evaluated, "perl")]
    matches = [match for match in _AT.finditer(line) if _FILE.match(match["path"])]
    if not matches and (with_blanks := _PATH_WITH_BLANKS.search(line)):
        matches = [with_blanks]
    return [match_span(match, "perl") for match in matches] or None


PERL: Final = Notation("perl", (" line ",), _read)
