"""Vim script: errors of Vim and Neovim."""

from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import Frame, MatchSpan, Pattern
from scmhost.frames.notation import ContextLines, Notation

_PLACE: Final = Pattern(
    r"Error (?:detected while processing|in) (?:(?:function|command line)[^\n]{0,300}?\.\.)?(?:script )?"
    r"(?P<path>(?:[A-Za-z]:(?=[\\/]))?[^\s:\"<>|\[][^:\"<>|\[\n]{0,300}):$"
)
# Numbers are padded to four characters. Of a file with more lines than 999 the last ones are not read.
_LINE: Final = Pattern(r"line {2,4}(?P<line>\d{1,3}):$")


def _read(line: str, context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``line   12:``; the path is on the line above, ``Error detected while processing /home/ada/.vimrc:``."""
    number = _LINE.match(line)
    match = _PLACE.match(context.before()) if number else None
    if not number or not match or not ("/" in match["path"] or "\\" in match["path"]):
        return None
    frame = Frame(match["path"], int(number["line"]), language="vim")
    return [MatchSpan(frame, *match.span("path"), 1)]


VIM: Final = Notation("vim", ("line  ",), _read)
