"""Places whose path and line are fields on lines of their own: node-tap, Brakeman, Flyway, Prospector."""

import re
from collections.abc import Sequence
from itertools import takewhile
from typing import Final

from scmhost.frames.frame import MatchSpan
from scmhost.frames.match_spans import Pattern
from scmhost.frames.notation import ContextLines, Notation

from .file_names import may_be_a_file
from .forms import diagnostic

# How far apart the fields of one record may be.
_NEAR: Final = 4
_PATH: Final = Pattern(
    r"(?:- )?(?:[Ff]ile(?:[Nn]ame)?|Location|Path)\s{0,8}: {1,20}[\"']?"
    r"(?P<path>[^\s:\"'(][^:\"'(\n]{0,500}?)[\"']?(?: \(.*\))?$"
)
_LINE: Final = Pattern(r"(?:- )?[Ll]ine(?:Number| number)?\s{0,8}: {1,20}(?P<line>\d{1,9})$")
_COLUMN: Final = Pattern(r"[Cc]olumn(?:Number)?\s{0,8}: (?P<column>\d{1,9})$")
# Nextflow writes the line and the column at the end of the cause.
_CAUSE: Final = Pattern(r"- cause: (?P<message>.{1,500}) @ line (?P<line>\d{1,9}), column (?P<column>\d{1,9})\.?$")


def _read(line: str, context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read the field that completes a place: the line below a path, or a path below the line."""
    if (cause := _CAUSE.match(line)) and (path := _nearest(_PATH, context)) and may_be_a_file(path["path"]):
        numbers = (int(cause["line"]), int(cause["column"]))
        return [diagnostic(path["path"], numbers, cause["message"], *cause.span("line"))]
    if number := _LINE.match(line):
        path = _nearest(_PATH, context)
        if path and may_be_a_file(path["path"]):
            place = (int(number["line"]), _column(_COLUMN.match(context.after())))
            return [diagnostic(path["path"], place, None, *number.span("line"))]
    if (path := _PATH.match(line)) and may_be_a_file(path["path"]):
        number = _nearest(_LINE, context)
        if number and not _nearest(_PATH, context):
            place = (int(number["line"]), _column(_nearest(_COLUMN, context)))
            return [diagnostic(path["path"], place, None, *path.span("path"))]
    return None


def _nearest(pattern: Pattern, context: ContextLines) -> re.Match[str] | None:
    above = takewhile(str.strip, (context.before(back) for back in range(1, _NEAR + 1)))
    return next((match for line in above if (match := pattern.match(line))), None)


def _column(match: re.Match[str] | None) -> int | None:
    return int(match["column"]) if match else None


KEYED: Final = Notation(
    "keyed", ("ine: ", "ine   ", "ine number: ", "ineNumber: ", "file: ", "fileName: ", " @ line "), _read
)
