"""``path(line,column)``, ``path[line, column]`` and ``path: message (line:column)``: MSVC, .NET, tsc, Delphi, Babel.

A call such as ``history.go(12)`` looks the same, so what follows counts: a colon, a severity, or the end of the line.
"""

import re
from typing import Final

from scmhost.frames.match_spans import Pattern

from .file_names import has_file_name, has_folder
from .forms import COLUMN, LINE, PATH, Form

_SEVERITY: Final = r"(?:(?:fatal|catastrophic|internal|command line) )?(?:error|warning|note|remark|info|hint|message)"
_FOLLOWED: Final = Pattern(rf"(?i: ?: {_SEVERITY}\b| {_SEVERITY}\b|: |:$)|(?P<end>\s*\]?$)")


def _is_no_call(match: re.Match[str]) -> bool:
    """Return whether a message follows, or the path cannot be that of a method."""
    line, start = match.string, match.start("path")
    followed = _FOLLOWED.match(line, match.end())
    if not followed or match["line"] == "0" or not has_file_name(match["path"]):
        return False
    alone = start == 0 or line[:start].endswith(("[", ": ", " in ", "] ", "> ")) or line[:start].isspace()
    if followed["end"] is None:
        return alone or followed.group() not in (": ", ":") or has_folder(match["path"])
    return has_folder(match["path"]) or line[start - 1 : start] == "["


_COLUMNS: Final = r"(?:[,:] ?(?P<column>\d{1,9}))?(?:(?:[-,] ?|:)\d{1,9}){0,3}"

_NUMBER: Final = Pattern(r"\(\d")
_COLUMN_AT_END: Final = Pattern(r"\(\d{1,9}:\d{1,9}\)$")

FORMS: Final = (
    Form(
        "(",
        Pattern(
            rf"(?P<path>(?:[/.]|[A-Za-z]:[\\/])[^:\n\"'<>|*?=,()]{{1,500}}\.[A-Za-z]\w{{0,9}})"
            rf"\({LINE}{_COLUMNS}\)(?= ?: )"
        ),
        at_start=True,
        check=lambda match: " " in match["path"] and " -" not in match["path"],
    ),
    Form("(", Pattern(rf"{PATH}\({LINE}{_COLUMNS}\)"), near=_NUMBER, check=_is_no_call),
    # tslint, ksh: "cart.ts[12, 5]: missing semicolon", "cart.sh[12]: not found".
    Form("]:", Pattern(rf"{PATH}\[{LINE}(?:, ?{COLUMN})?\](?=:)"), near=Pattern(r"\[\d")),
    # Rollup: "src/cart.js (12:5)".
    Form(" (", Pattern(rf"{PATH} \({LINE}:{COLUMN}\)"), near=_NUMBER),
    Form("line", Pattern(rf"{PATH},? \((?:at |on )?lines? {LINE}(?:-\d{{1,9}}|, ?col(?:umn)?:? {COLUMN})?\)")),
    # Babel and Prettier: "SyntaxError: src/cart.jsx: missing comma (12:3)".
    Form(
        ": ",
        Pattern(
            rf"(?:[^\n:]{{0,100}}: ){{0,3}}?(?=\S{{0,1000}}[./\\]){PATH}: (?P<message>[^\n]*) \({LINE}:{COLUMN}\)$"
        ),
        near=_COLUMN_AT_END,
        at_start=True,
    ),
    Form(
        ": ",
        Pattern(
            rf"(?:[^\n:/]{{0,100}}: ){{0,3}}?(?P<path>(?:/|[A-Za-z]:[\\/])[^:\n]{{1,500}}):"
            rf" (?P<message>[^\n]*) \({LINE}:{COLUMN}\)$"
        ),
        near=_COLUMN_AT_END,
        at_start=True,
    ),
)
