"""Places below a line with their path: ESLint, stylelint, yamllint, PHPStan, PHP_CodeSniffer, SQLFluff, ripgrep.

A path is on a line of its own, and each row below has a line number. The path of a row is found by reading upwards to
the nearest row, whose path the context remembers, or to the heading itself.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from scmhost.frames.frame import MatchSpan
from scmhost.frames.match_spans import Pattern
from scmhost.frames.notation import MAX_LINES_BACK, ContextLines, Notation

from .file_names import may_be_a_file
from .forms import diagnostic, message_of

_PATH: Final = r"(?P<path>(?:[A-Za-z]:[\\/])?[^\s:\"'<>|*?(][^:\"<>|*?\n]{0,500})"
_ALONE: Final = Pattern(rf"{_PATH}$")
_SEVERITIES: Final = r"(?:error|warning|warn|info|suggestion|hint|note|notice|✖|✘|⚠|×|‼|ℹ|[EWIFC]\d{1,4}\b)"


@dataclass(frozen=True, slots=True)
class _Group:
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
_GROUPS: Final = (
    # ESLint, stylelint, yamllint, markdown linters, Vale: "12:5  error  message  rule", "12:5-12:9  warning  message".
    _Group(
        Pattern(
            rf"(?:[✖✘⚠×‼ℹ]\s{{1,4}})?(?P<line>\d{{1,9}}):(?P<column>\d{{1,9}})(?:-\d{{1,9}}:\d{{1,9}})?\s{{1,8}}"
            rf"(?i:{_SEVERITIES})(?P<message>:?\s.*)"
        ),
        _ALONE,
        Pattern(r"$"),
    ),
    _Group(
        Pattern(r"[✖✘⚠×‼ℹ]\s{1,4}(?P<line>\d{1,9}):(?P<column>\d{1,9})\s{2,}(?P<message>.*)"),
        Pattern(rf"{_PATH}:\d{{1,9}}(?::\d{{1,9}})?$"),
        Pattern(r"$"),
    ),
    # PHPStan: a table whose second column has the path as its title.
    _Group(
        Pattern(r":?(?P<line>\d{1,9})\s{2,}(?P<message>\S.*)"),
        Pattern(rf"Line\s{{2,}}{_PATH}$"),
        Pattern(rf"{_RULE}|\s*(?!Line )[^\d\s]|$"),
    ),
    # PHP_CodeSniffer: " 12 | ERROR | [x] message" below "FILE: path".
    _Group(
        Pattern(r"(?P<line>\d{1,9}) \| (?:ERROR|WARNING) +\| (?:\[[x ]\] )?(?P<message>.*)"),
        Pattern(rf"FILE: {_PATH}$"),
        Pattern(rf"{_RULE}|FOUND |\||$"),
    ),
    # SQLFluff: "L:  12 | P:   5 | LT01 | message" below "== [path] FAIL".
    _Group(
        Pattern(r"L:\s{1,6}(?P<line>\d{1,9}) \| P:\s{1,6}(?P<column>\d{1,9}) \| (?P<message>.*)"),
        Pattern(r"== \[(?P<path>[^\]\n]{1,500})\] (?:FAIL|PASS)"),
        Pattern(r"\| "),
    ),
    # djLint: "H013 12:5 message".
    _Group(
        Pattern(r"[A-Z]\d{3} (?P<line>\d{1,9}):(?P<column>\d{1,9}) (?P<message>.*)"), _ALONE, Pattern(rf"{_RULE}|$")
    ),
    # Reek: "[12, 15]:DuplicateMethodCall: message" below "path -- 2 warnings:".
    _Group(
        Pattern(r"\[(?P<line>\d{1,9})(?:, \d{1,9})*\]:(?P<message>\w{1,80}: .*)"),
        Pattern(rf"{_PATH} -- \d{{1,6}} warnings?:$"),
        Pattern(r"(?!)"),
    ),
    # Semgrep shows the code, below the text of the rule.
    _Group(Pattern(r"(?P<line>\d{1,9})┆(?P<message>.*)"), _ALONE, Pattern(r"(?:❯|\S.* )|$")),
    # ripgrep: "12:code" and "12:5:code", with "13-code" around it.
    _Group(
        Pattern(r"(?P<line>\d{1,9}):(?:(?P<column>\d{1,9}):)?(?P<message>(?!\d\d:\d\d).*)"),
        _ALONE,
        Pattern(r"\d{1,9}-|--$"),
    ),
)
ROW_PREFIX: Final = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,9}Z "
"""What GitHub puts before each line of a log."""
_BEFORE_ROW: Final = Pattern(rf"(?:{ROW_PREFIX})?[ \t]{{0,12}}$")
_ROW_START: Final = Pattern(r"[✖✘⚠×‼ℹ]|L: |\[\d|[A-Z]\d{3} |:?\d")


def _read(line: str, context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read a row below the heading with its path."""
    if not _ROW_START.match(line) or not _BEFORE_ROW.match(context.prefix):
        return None
    heading = context.heading
    for group in _GROUPS:
        row = group.row.match(line)
        if not row:
            continue
        context.heading = _path_above(group, context, heading)
        if context.heading:
            return [_row_span(row, context.heading)]
    return None


def _path_above(group: _Group, context: ContextLines, heading: str | None) -> str | None:
    """Return the path of the heading above, or that of the row above, which is known."""
    for back in range(1, MAX_LINES_BACK + 1):
        above = context.before(back)
        if (match := group.heading.match(above)) and may_be_a_file(match["path"].strip()):
            return match["path"].strip()
        if group.row.match(above):
            return heading
        if not group.between.match(above):
            break
    return None


def _row_span(row: re.Match[str], path: str) -> MatchSpan:
    groups = row.re.groupindex
    column = row["column"] if "column" in groups else None
    end = row.end("column") if column else row.end("line")
    place = (int(row["line"]), int(column) if column else None)
    return diagnostic(path, place, message_of(row["message"]), row.start("line"), end)


GROUPED: Final = Notation("grouped", (" ", ":"), _read)
