"""Annotations that tools print for a CI service: GitHub, Azure Pipelines and TeamCity."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from scmhost.frames.frame import MatchSpan
from scmhost.frames.match_spans import Pattern
from scmhost.frames.notation import ContextLines, Notation

from .forms import diagnostic, message_of

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
