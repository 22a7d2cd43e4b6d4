"""``path:line`` and ``path:line:column``, followed by a message: most compilers and linters, and grep."""

import re
from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import Frame, MatchSpan
from scmhost.frames.match_spans import LINE_COLUMN, Pattern, is_source, known_language, parse_number
from scmhost.frames.notation import ContextLines, Notation

_PLACE: Final = Pattern(
    rf"(?P<path>(?:[A-Za-z]:[/\\\\])?[^\s:\"'`(<>|]{{1,1000}}):{LINE_COLUMN}(?::? (?P<message>.*))?"
)


def _read(line: str, _context: ContextLines) -> Sequence[MatchSpan] | None:
    match = _PLACE.match(line)
    return [_diagnostic(match)] if match and is_source(match["path"]) else None


def _diagnostic(match: re.Match[str]) -> MatchSpan:
    frame = Frame(
        match["path"],
        parse_number(match["line"]),
        parse_number(match["column"]),
        language=known_language(match["path"]),
        kind="diagnostic",
        message=match["message"],
    )
    return MatchSpan(frame, match.start("path"), match.end("line"))


PATH_LINE: Final = Notation("path_line", (":",), _read)
