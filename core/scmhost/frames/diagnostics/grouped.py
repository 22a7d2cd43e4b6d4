"""Places of several lines: rows below a line with their path, and a path and a line as fields on their own lines.

A path is on a line of its own, and each row below has a line number. The path of a row is found by reading upwards to
the nearest row, whose path the context keeps, or to the heading itself. ESLint, stylelint, yamllint, PHPStan,
PHP_CodeSniffer, SQLFluff and ripgrep print rows; node-tap, Brakeman, Flyway and Prospector print fields.
"""

import re
from collections.abc import Callable, Sequence
from itertools import takewhile
from typing import Final, NamedTuple

from scmhost.frames.frame import MatchSpan, Pattern
from scmhost.frames.notation import MAX_LINES_BACK, ContextLines, Notation

from .file_names import may_be_a_file
from .forms import diagnostic, message_of

_Before = Callable[[ContextLines, int], str]
_PATH: Final = r"(?P<path>(?:[A-Za-z]:[\\/])?[^\s:\"'<>|*?(][^:\"<>|*?\n]{0,500})"
# Byebug has "[10, 19] in cart.rb" above the lines of code.
_ALONE: Final = Pattern(rf"(?!\[\d){_PATH}:?$")
_MARKS: Final = "✖✘⚠‼\u00d7\u2139"
_SEVERITIES: Final = rf"(?:error|warning|warn|info|suggestion|hint|note|notice|[{_MARKS}]|[EWIFC]\d{{1,4}}\b)"


class _Group(NamedTuple):
    """The rows of one tool.

    Attributes:
        row: a row, with the group ``line``, and optionally ``column`` and ``message``.
        heading: the line with the path.
        between: lines that may be between the heading and a row, besides rows.
    """

    row: Pattern
    heading: Pattern
    between: Pattern


_RULE: Final = r"\s*[-─━═=]{3,}[-─━═= ]*$"
# PHPStan: a table whose second column has the path as its title.
_PHPSTAN: Final = _Group(
    Pattern(r":?(?P<line>\d{1,9})\s{2,}(?P<message>\S.*)"),
    Pattern(rf"Line\s{{2,}}{_PATH}$"),
    Pattern(rf"{_RULE}|\s*(?!Line )[^\d\s]|$"),
)
_GROUPS: Final = (
    # ESLint, stylelint, yamllint, markdown linters, Vale: "12:5  error  message  rule", "12:5-12:9  warning  message".
    _Group(
        Pattern(
            rf"(?:[{_MARKS}]\s{{1,4}})?(?P<line>\d{{1,9}}):(?P<column>\d{{1,9}})(?:-\d{{1,9}}:\d{{1,9}})?\s{{1,8}}"
            rf"(?i:{_SEVERITIES})(?P<message>:?\s.*)"
        ),
        _ALONE,
        Pattern(r"$"),
    ),
    _Group(
        Pattern(rf"[{_MARKS}]\s{{1,4}}(?P<line>\d{{1,9}}):(?P<column>\d{{1,9}})\s{{2,}}(?P<message>.*)"),
        Pattern(rf"{_PATH}:\d{{1,9}}(?::\d{{1,9}})?$"),
        Pattern(r"$"),
    ),
    _PHPSTAN,
    # PHP_CodeSniffer, PHPMD: " 12 | ERROR | [x] message" below "FILE: path".
    _Group(
        Pattern(r"(?P<line>\d{1,9}) \| (?:ERROR|WARNING|VIOLATION) +\| (?:\[[x ]\] )?(?P<message>.*)"),
        Pattern(rf"FILE: {_PATH}$"),
        Pattern(rf"{_RULE}|FOUND |\||$"),
    ),
    # SQLFluff: "L:  12 | P:   5 | LT01 | message" below "== [path] FAIL".
    _Group(
        Pattern(r"L:\s{1,6}(?P<line>\d{1,9}) \| P:\s{1,6}(?P<column>\d{1,9}) \| (?P<message>.*)"),
        Pattern(r"== \[(?P<path>[^\]\n]{1,500})\] (?:FAIL|PASS)"),
        Pattern(r"\| "),
    ),
    # djLint: "H013 12:5 message". Radon: "F 12:0 total - C (11)".
    _Group(
        Pattern(r"[A-Z](?:\d{3})? (?P<line>\d{1,9}):(?P<column>\d{1,9}) (?P<message>.*)"),
        _ALONE,
        Pattern(rf"{_RULE}|$"),
    ),
    # RuboCop's simple format: "C: 12:  5: message" below "== path ==".
    _Group(
        Pattern(r"[CRWEFI]:\s{1,6}(?P<line>\d{1,9}):\s{1,6}(?P<column>\d{1,9}): (?P<message>.*)"),
        Pattern(r"== (?P<path>[^=\n]{1,500}) ==$"),
        Pattern(r"(?!)"),
    ),
    # Create React App: "Line 12:5:  message  rule". GoConvey: "Line 12:" below "* path".
    _Group(
        Pattern(r"Line (?P<line>\d{1,9}):(?:(?P<column>\d{1,9}):)?(?P<message>(?:\s{2,}.*)?)$"),
        Pattern(rf"(?:\* )?{_PATH}:?$"),
        Pattern(r"$"),
    ),
    # dbt: "line 12" below the error, and the model's path above it.
    _Group(
        Pattern(r"line (?P<line>\d{1,9})(?P<message>)$"),
        Pattern(r"\w[\w ]{0,60} Error in [\w ]{1,200}\((?P<path>[^()\n]{1,500})\)$"),
        Pattern(r"\S"),
    ),
    # Reek: "[12, 15]:DuplicateMethodCall: message" below "path -- 2 warnings:".
    _Group(
        Pattern(r"\[(?P<line>\d{1,9})(?:, \d{1,9})*\]:(?P<message>\w{1,80}: .*)"),
        Pattern(rf"{_PATH} -- \d{{1,6}} warnings?:$"),
        Pattern(r"(?!)"),
    ),
    # Prospector: "Line: 12".
    _Group(Pattern(r"Line: (?P<line>\d{1,9})(?P<message>)$"), _ALONE, Pattern(r"\S.* / |$")),
    # Semgrep shows the code, below the text of the rule.
    _Group(Pattern(r"(?P<line>\d{1,9})┆(?P<message>.*)"), _ALONE, Pattern(r"(?:\u276f|\S.* )|$")),
    # Elm: "12|     total" below the explanation.
    _Group(
        Pattern(r"(?P<line>\d{1,9})\|[ >](?P<message>.*)"),
        Pattern(rf"-- [A-Z][A-Z ]{{1,60}} -{{3,}} {_PATH}$"),
        Pattern(r""),
    ),
    # HTMLHint: "L12 |code", with a caret and the message below it.
    _Group(Pattern(r"L(?P<line>\d{1,9}) \|(?P<message>.*)"), _ALONE, Pattern(r"\^")),
    # ktlint: "12:5 Message". ripgrep: "12:code" and "12:5:code", with "13-code" around it.
    _Group(
        Pattern(r"(?P<line>\d{1,9}):(?:(?P<column>\d{1,9})(?::| (?=[A-Z])))?(?P<message>(?!\d\d:\d\d).*)"),
        _ALONE,
        Pattern(r"\d{1,9}-|--$"),
    ),
)
# What GitHub puts before each line of a log. Any other prefix is a part of the row.
_CLOCK: Final = r"(?:\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,9}Z )?"
_INDENT: Final = r"(?:##\[[a-z]{1,10}\])?[ \t]{0,12}"
ROW: Final = (
    rf"{_INDENT}(?:[{_MARKS}]|:?\d{{1,9}}(?:┆|\s{{2,}}\S| \||\|[ >]|:(?!\d\d:\d\d))|[A-Z](?:\d{{3}})? \d{{1,9}}:\d"
    r"|[A-Z]: {1,6}\d{1,9}: {1,6}\d|L(?:(?:ine)?(?:: | \d{1,9}:)|\d{1,9} \|)|line \d{1,9}(?=[\r\n]|$)"
    r"|\[\d[\d, ]{0,60}\]:)"
)
"""The beginning of each row, behind the clock of a log."""
SEVERITIES: Final = ("  error  ", "  warning  ")
"""Texts of which a row contains one if it is behind any other prefix."""
# Turborepo, pnpm and Lerna: "shop:lint: ", "packages/shop lint: ".
_TASK: Final = Pattern(r"@?[\w./-]{1,60}(?:[: ][\w:-]{1,40})?: {1,8}\d{1,9}:\d")
_BEFORE_ROW: Final = Pattern(_CLOCK + _INDENT)
_ROW_START: Final = Pattern(_CLOCK + ROW)


def _read(line: str, context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read a row below the heading with its path."""
    whole = context.whole(0)
    if _ROW_START.match(whole):
        row = _without_row_prefix(whole)
        shift = len(whole.rstrip()) - len(row) - len(context.prefix)
        return _read_row(row, context, _GROUPS, shift, _before_whole)
    if context.prefix.rstrip().endswith("|") and _PHPSTAN.row.match(line):
        return _read_row(line, context, (_PHPSTAN,), 0, ContextLines.before)
    if not any(severity in line for severity in SEVERITIES):
        return None
    if context.prefix.strip():
        return _read_row(line, context, _GROUPS[:1], 0, ContextLines.before)
    return _read_behind_task(whole, context) if _TASK.match(whole) else None


def _read_behind_task(whole: str, context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read a row behind the name of a task, with which the heading begins, too."""
    task = whole[: whole.index(": ") + 2]
    row = whole[len(task) :].strip()

    def before(context: ContextLines, back: int) -> str:
        return context.whole(back).removeprefix(task).strip()

    return _read_row(row, context, _GROUPS[:1], whole.index(row) - len(context.prefix), before)


def _read_row(
    line: str, context: ContextLines, groups: Sequence[_Group], shift: int, before: _Before
) -> Sequence[MatchSpan] | None:
    heading = context.heading
    for group in groups:
        if row := group.row.match(line):
            context.heading = _path_above(group, context, heading, before)
            if context.heading:
                return [_row_span(row, context.heading, shift)]
    return None


def _without_row_prefix(line: str) -> str:
    match = _BEFORE_ROW.match(line)
    return line[match.end() if match else 0 :].rstrip()


def _before_whole(context: ContextLines, back: int) -> str:
    return _without_row_prefix(context.whole(back)).lstrip()


def _path_above(group: _Group, context: ContextLines, heading: str | None, before: _Before) -> str | None:
    """Return the path of the heading above, or that of the row above, which is known."""
    for back in range(1, MAX_LINES_BACK + 1):
        above = before(context, back)
        if (match := group.heading.match(above)) and may_be_a_file(match["path"].strip()):
            return match["path"].strip()
        if group.row.match(above):
            return heading
        if not group.between.match(above):
            break
    return None


def _row_span(row: re.Match[str], path: str, shift: int) -> MatchSpan:
    """Return the span of a row whose text begins ``shift`` characters after the prefix that the reader removed."""
    groups = row.re.groupindex
    column = row["column"] if "column" in groups else None
    end = row.end("line")
    if column and row.start("column") == end + 1:
        end = row.end("column")
    place = (int(row["line"]), int(column) if column else None)
    return diagnostic(path, place, message_of(row["message"]), row.start("line") + shift, end + shift)


GROUPED: Final = Notation("grouped", (), _read)


# How far apart the fields of one record may be.
_NEAR_FIELDS: Final = 4
_PATH_FIELD: Final = Pattern(
    r"(?:- )?(?:[Ff]ile(?:[Nn]ame)?|Location|Path)\s{0,8}: {1,20}[\"']?"
    r"(?P<path>[^\s:\"'(][^:\"'(\n]{0,500}?)[\"']?(?: \(.*\))?$"
)
_LINE_FIELD: Final = Pattern(r"(?:- )?[Ll]ine(?:Number| number)?\s{0,8}: {1,20}(?P<line>\d{1,9})$")
_COLUMN_FIELD: Final = Pattern(r"[Cc]olumn(?:Number)?\s{0,8}: (?P<column>\d{1,9})$")
# Nextflow writes the line and the column at the end of the cause.
_CAUSE: Final = Pattern(r"- cause: (?P<message>.{1,500}) @ line (?P<line>\d{1,9}), column (?P<column>\d{1,9})\.?$")


def _read_fields(line: str, context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read the field that completes a place: the line below a path, or a path below the line."""
    if (cause := _CAUSE.match(line)) and (path := _nearest(_PATH_FIELD, context)) and may_be_a_file(path["path"]):
        numbers = (int(cause["line"]), int(cause["column"]))
        return [diagnostic(path["path"], numbers, cause["message"], *cause.span("line"))]
    if number := _LINE_FIELD.match(line):
        path = _nearest(_PATH_FIELD, context)
        if path and may_be_a_file(path["path"]):
            place = (int(number["line"]), _column(_COLUMN_FIELD.match(context.after())))
            return [diagnostic(path["path"], place, None, *number.span("line"))]
    if (path := _PATH_FIELD.match(line)) and may_be_a_file(path["path"]):
        number = _nearest(_LINE_FIELD, context)
        if number and not _nearest(_PATH_FIELD, context):
            place = (int(number["line"]), _column(_nearest(_COLUMN_FIELD, context)))
            return [diagnostic(path["path"], place, None, *path.span("path"))]
    return None


def _nearest(pattern: Pattern, context: ContextLines) -> re.Match[str] | None:
    above = takewhile(str.strip, (context.before(back) for back in range(1, _NEAR_FIELDS + 1)))
    return next((match for line in above if (match := pattern.match(line))), None)


def _column(match: re.Match[str] | None) -> int | None:
    return int(match["column"]) if match else None


KEYED: Final = Notation(
    "keyed", ("ine: ", "ine   ", "ine number: ", "ineNumber: ", "file: ", "fileName: ", " @ line "), _read_fields
)
