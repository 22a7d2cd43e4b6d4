"""``path(line,column)``, ``path[line, column]`` and ``path: message (line:column)``: MSVC, .NET, tsc, Delphi, Babel.

A call such as ``history.go(12)`` looks the same, so what follows counts: a colon, a severity, or the end of the line.
"""

import re
from typing import Final

from scmhost.frames.frame import Pattern

from .file_names import has_file_name, has_folder
from .forms import COLUMN, LINE, PATH, PlaceForm, has_blanks

_SEVERITY: Final = (
    r"(?:(?:fatal|catastrophic|internal|command line) )?(?:error|fatal|warning|note|remark|info|hint|message)"
)
_FOLLOWED: Final = Pattern(rf"(?i:(?:\[\w{{1,10}}\])? ?: |:$| {_SEVERITY}\b)|(?P<end>\s*\]?$)")


def _is_no_call(match: re.Match[str]) -> bool:
    """Return whether a message follows, or the path cannot be that of a method."""
    line, start = match.string, match.start("path")
    followed = _FOLLOWED.match(line, match.end())
    if not followed or match["line"] == "0" or not has_file_name(match["path"]):
        return False
    alone = start == 0 or line[:start].endswith(("[", ": ", " in ", " at ", "] ", "> ")) or line[:start].isspace()
    if followed["end"] is None:
        return alone or followed.group() not in (": ", ":", " : ") or has_folder(match["path"])
    return has_folder(match["path"]) or line[start - 1 : start] == "["


def _is_no_process(match: re.Match[str]) -> bool:
    """Return whether the path is that of a source file, and the number not that of a process of syslog."""
    return has_file_name(match["path"])


_COLUMNS: Final = r"(?:[,:] ?(?P<column>\d{1,9}))?(?:(?:[-,] ?|:)\d{1,9}){0,3}"

_NUMBER: Final = Pattern(r"\(\d")
_AT_THE_END: Final = Pattern(r"\(\d{1,9}:\d{1,9}\)$")

FORMS: Final = (
    PlaceForm(
        "C:\\my shop\\cart.cs(12,5): error",
        "(",
        Pattern(
            r"(?P<path>(?:[/.]|[A-Za-z]:[\\/])[^:\n\"'<>|*?=,()]{1,500}(?:\(x86\)[^:\n\"'<>|*?=,()]{1,500})?)"
            rf"\({LINE}{_COLUMNS}\)(?= ?: )"
        ),
        _NUMBER,
        at_start=True,
        check=has_blanks,
    ),
    PlaceForm("cart.ts(12,5): error", "(", Pattern(rf"{PATH}\({LINE}{_COLUMNS}\)"), _NUMBER, check=_is_no_call),
    PlaceForm(
        "cart.ts[12, 5]: no price",
        "]:",
        Pattern(rf"{PATH}\[{LINE}(?:, ?{COLUMN})?\](?=:)"),
        Pattern(r"\[\d"),
        check=_is_no_process,
    ),
    PlaceForm("src/cart.js (12:5)", " (", Pattern(rf"{PATH} \({LINE}:{COLUMN}\)"), _NUMBER),
    PlaceForm(
        "cart.c (12): warning V522",
        " (",
        Pattern(rf"{PATH} \({LINE}\)(?=: (?:error|warning|note)\b)"),
        _NUMBER,
    ),
    PlaceForm(
        "(src/cart.njk) [Line 12, Column 5]",
        ") [Line ",
        Pattern(rf"\({PATH}\) \[Line {LINE}, Column {COLUMN}\]"),
    ),
    PlaceForm("(cart.f90: 12)", "(", Pattern(rf"\({PATH}: {LINE}\)"), Pattern(r": \d{1,9}\)")),
    PlaceForm(
        "cart.py (line 12, column 5)",
        "ine",
        Pattern(rf"{PATH},? \((?:at |on )?[Ll]ines?:? {LINE}(?:-\d{{1,9}}|, ?[Cc]ol(?:umn)?:? {COLUMN})?\)"),
        Pattern(r"ines?:? \d"),
    ),
    PlaceForm(
        "SyntaxError: src/cart.jsx: no comma (12:3)",
        ": ",
        Pattern(
            rf"(?:[^\n:]{{0,100}}: ){{0,3}}?(?=\S{{0,1000}}[./\\]){PATH}:"
            rf" (?P<message>[^\n]*) \({LINE}:{COLUMN}\)$"
        ),
        _AT_THE_END,
        at_start=True,
    ),
    PlaceForm(
        "SyntaxError: /srv/my shop/cart.jsx: no comma (12:3)",
        ": ",
        Pattern(
            r"(?:[^\n:/]{0,100}: ){0,3}?(?P<path>(?:/|[A-Za-z]:[\\/])[^:\n]{1,500}):"
            rf" (?P<message>[^\n]*) \({LINE}:{COLUMN}\)$"
        ),
        _AT_THE_END,
        at_start=True,
    ),
)
"""A parenthesis or a bracket before the number."""
