"""Places in forms that few tools print: webpack, Sass, Black, psql, busted, and links to lines.

Also annotations that tools print for a CI service: GitHub, Azure Pipelines and TeamCity.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from scmhost.frames.frame import MatchSpan, Pattern
from scmhost.frames.notation import ContextLines, Notation

from .forms import COLUMN, LINE, PATH, PlaceForm, diagnostic, has_blanks, message_of

_FOLDERS: Final = r"(?:src|lib|app|tests?|spec|docs?|scripts?|cmd|pkg|internal)/"
_REPOSITORY: Final = Pattern(rf"(?:(?!{_FOLDERS})[\w.-]{{1,60}}/)?[\w.-]{{1,60}}\.(?:js|rs|go|py|ts|cr|nim|sh|net|md)$")


def _is_no_issue(match: re.Match[str]) -> bool:
    """Return whether the path is not that of a repository: "acme/next.js#12" is an issue."""
    return _REPOSITORY.match(match["path"]) is None


FORMS: Final = (
    PlaceForm(
        "cannot format cart.py: Cannot parse: 12:5: total(",
        "cannot format ",
        Pattern(rf"cannot format {PATH}: Cannot [^\n]{{1,80}}?: {LINE}:{COLUMN}: "),
    ),
    PlaceForm(
        "@ ./src/cart.js 12:5-20",
        " ",
        Pattern(
            rf"(?:@ |(?:(?:ERROR|WARNING) )?in |[│╵ ]{{0,4}}){PATH} {LINE}:{COLUMN}"
            r"(?:-\d{1,9}(?::\d{1,9})?)?(?=  | \d|$)"
        ),
        Pattern(r" \d{1,9}:\d"),
        at_start=True,
    ),
    PlaceForm(
        'Path:"/srv/cart.go", Func:"total", Line:12',
        "ine:",
        Pattern(
            r"\b(?i:path|file(?:name)?):\s?\"(?P<path>[^\"\n]{1,500})\","
            rf"(?: \w{{1,30}}:\s?(?:\"[^\"\n]{{0,300}}\"|\d{{1,20}}),){{0,3}} [Ll]ine:\s?{LINE}"
            rf"(?:, [Cc]olumn:\s?{COLUMN})?"
        ),
    ),
    PlaceForm(
        "[File:D:\\shop\\Cart.h] [Line: 12]",
        "[Line:",
        Pattern(rf"\[File: ?(?P<path>[^\]\n]{{1,500}})\] \[Line: ?{LINE}\]"),
    ),
    PlaceForm(
        "*** Assertion failure in -[Cart total], /Users/dev/my shop/Cart.m:12",
        "Assertion failure in ",
        Pattern(rf"Assertion failure in [^\n]{{1,300}}, (?P<path>/[^:,\n\"]{{1,500}}):{LINE}$"),
    ),
    PlaceForm(
        "file=cart.py line=12",
        "line",
        Pattern(
            rf"\bfile(?:name)?=\"?(?P<path>[^\"\s,;=]{{1,500}})\"?[,; ] ?(?:(?:message|func_name)=[^\n=]{{0,300}} )?"
            rf"line(?:no)?={LINE}(?:[, ] ?col(?:umn)?={COLUMN})?"
        ),
        Pattern(r"line(?:no)?=\d"),
    ),
    PlaceForm(
        "lineno=12 filename=cart.py",
        "lineno=",
        Pattern(rf"\blineno={LINE} (?:\w{{1,30}}=\S{{1,100}} ){{0,3}}(?:filename|pathname)={PATH}(?=\s|$)"),
    ),
    PlaceForm(
        "CMake Error at C:/my shop/CMakeLists.txt:12 (message):",
        "CMake ",
        Pattern(rf"CMake [\w ()]{{1,60}} at (?P<path>(?:[A-Za-z]:(?=/))?[^:\n\"]{{1,500}}):{LINE}(?= \(|:$)"),
        at_start=True,
        check=has_blanks,
    ),
    PlaceForm(
        "psql:my shop/cart.sql:12: ERROR: no price",
        "psql:",
        Pattern(rf"psql:(?P<path>[^:\"\n]{{1,500}}):{LINE}: "),
        at_start=True,
    ),
    PlaceForm(
        "node:internal/modules/cjs/loader:1228",
        "node:",
        Pattern(rf"(?P<path>node:[a-z][\w/]{{1,100}}):{LINE}(?::{COLUMN})?$"),
        at_start=True,
    ),
    PlaceForm("spec/cart_spec.lua @ 12", " @ ", Pattern(rf"{PATH} @ {LINE}$")),
    PlaceForm(
        "src/cart.py#L12-L15",
        "#L",
        Pattern(rf"{PATH}#L{LINE}(?:C{COLUMN})?(?:-L?\d{{1,9}}(?:C\d{{1,9}})?)?(?!\w)"),
    ),
    PlaceForm(
        "lib/cart.rb#12",
        "#",
        Pattern(rf"{PATH}#{LINE}(?::{COLUMN}|-\d{{1,9}})?(?![\w.-])"),
        Pattern(r"#\d"),
        check=_is_no_issue,
    ),
)
"""Forms with few users."""


_GITHUB: Final = Pattern(r"::(?:error|warning|notice|debug) (?P<fields>[^\n]*?)::(?P<message>.*)")
_AZURE: Final = Pattern(r"##vso\[task\.logissue (?P<fields>[^\]\n]*)\](?P<message>.*)")
_TEAMCITY: Final = Pattern(r"##teamcity\[(?:inspection|buildProblem|message|compilationMessage) (?P<fields>[^\n]*)\]$")
_GITHUB_FIELD: Final = Pattern(r"(?<=[ ,])(?P<name>\w{1,20})=(?P<value>[^,\n]*)")
_AZURE_FIELD: Final = Pattern(r"(?<=[ ;])(?P<name>\w{1,20})=(?P<value>[^;\n]*)")
_TEAMCITY_FIELD: Final = Pattern(r"(?<= )(?P<name>\w{1,20})='(?P<value>(?:[^'|\n]|\|.)*)'")
_SERVICES: Final = (
    ("::", _GITHUB, _GITHUB_FIELD),
    ("##vso", _AZURE, _AZURE_FIELD),
    ("##team", _TEAMCITY, _TEAMCITY_FIELD),
)

_NUMBER: Final = Pattern(r"[0-9]{1,9}$")

_PATHS: Final = ("file", "sourcepath")
_LINES: Final = ("line", "linenumber")
_COLUMNS: Final = ("col", "columnnumber", "column")


def _read(line: str, _context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``::error file=cart.py,line=12,col=5::message`` and ``##vso[task.logissue sourcepath=...]message``."""
    for mark, service, field in _SERVICES:
        # Only the first command of a line counts, so a line costs no more than its length.
        start = line.find(mark)
        if start >= 0 and (match := service.match(line, start)):
            begin, end = match.span("fields")
            fields = {found["name"].lower(): found for found in field.finditer(line[:end], begin)}
            return _place(fields, match)
    return None


def _place(fields: Mapping[str, re.Match[str]], match: re.Match[str]) -> Sequence[MatchSpan] | None:
    path = next((fields[name] for name in _PATHS if name in fields), None)
    if path is None or not path["value"]:
        return None
    message = match["message"] if "message" in match.re.groupindex else _value(fields, ("message",))
    place = (_number(fields, _LINES), _number(fields, _COLUMNS))
    return [diagnostic(path["value"], place, message_of(message or ""), *path.span("value"))]


def _value(fields: Mapping[str, re.Match[str]], names: Sequence[str]) -> str | None:
    return next((fields[name]["value"] for name in names if name in fields), None)


def _number(fields: Mapping[str, re.Match[str]], names: Sequence[str]) -> int | None:
    value = _value(fields, names)
    return int(value) if value and _NUMBER.match(value) else None


ANNOTATIONS: Final = Notation(
    "annotations", ("::error ", "::warning ", "::notice ", "::debug ", "##vso[", "##teamcity["), _read
)
