"""PowerShell: positions of errors in many display languages, stacks of scripts, Pester and PSScriptAnalyzer."""

import re
from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import LINE, MatchSpan, Pattern, looks_like_a_file, match_span
from scmhost.frames.notation import ContextLines, Notation

_DRIVE: Final = r"(?:[A-Za-z]:(?=[\\/]))?"
_SCRIPT: Final = rf"(?P<path>{_DRIVE}[^\s:,\"'<>|][^:\"<>|\n]{{0,300}}\.ps[md]?1)"
_COLUMN: Final = r"(?P<column>\d{1,9})(?!\d)"

_POSITION: Final = Pattern(rf"At (?<!\wAt )(?P<path>{_DRIVE}[^\s:,\"'<>|][^:\"<>|\n]{{0,300}}):{LINE} char:{_COLUMN}")
# "In x.ps1:12 Zeichen:5", "Au caractère x.ps1:12 : 5", "En x.ps1: 12 Carácter: 5", and others.
_POSITION_ELSEWHERE: Final = Pattern(
    rf"(?:[^\d\s:\\/.]{{1,20}} ){{0,2}}{_SCRIPT} ?: ?{LINE} (?:[^\d\s:]{{1,20}} ?)?: ?{_COLUMN}"
)
# The width of the window has moved the rest to the line below.
_POSITION_WRAPPED: Final = Pattern(rf"At {_SCRIPT}:{LINE}$")
_WRAPPED_COLUMN: Final = Pattern(rf"char:{_COLUMN}")

_STACK: Final = Pattern(
    r"(?<!\w)(?:at|bei|in|à|en|em|su|w|в|在|於|場所|위치:?) (?P<function>[^\s,、，][^,、，\n]{0,200})[,、，] ?"
    rf"<?(?P<path>{_DRIVE}[^\s:,\"'<>|、，][^:\"<>|、，\n]{{0,300}}\.ps[md]?1)>? ?: ?[^\W\d]{{1,10}} ?{LINE}"
)
_CALL_STACK: Final = Pattern(
    r"(?P<function>[^\s{}]{1,200}) +\{.{0,2000}\} +"
    rf"(?P<path>[^\s:{{}}][^:{{}}\n]{{0,200}}\.ps[md]?1): line {LINE}$"
)
# Pester prints the code of the line before its place, or the function.
_PESTER: Final = Pattern(rf"at (?P<code>.{{1,2000}}), {_SCRIPT}:{LINE}$")
_PESTER_BEFORE_4: Final = Pattern(rf"at line: {LINE} in {_SCRIPT}$")
_FUNCTION: Final = Pattern(r"[\w<>:-]+$")
_CONCISE: Final = Pattern(rf"(?:[^\s:\\/\"']{{1,200}}: )?{_SCRIPT}:{LINE}(?::{_COLUMN})?$")
_ANALYZER: Final = Pattern(
    rf"PS[A-Z]\w{{1,80}} +(?:Error|Warning|Information|ParseError) +{_SCRIPT} +{LINE} +(?P<message>\S.*)"
)
_NO_FILE: Final = Pattern(r".{0,2000}(?:<No file>: line \d|At line:\d{1,9} char:)")


def _read(line: str, context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``At ./cart.ps1:12 char:5``, ``at Get-Total, ./cart.ps1: line 12`` and ``Get-Total: ./cart.ps1:12:5``."""
    positions = [*_POSITION.finditer(line)]
    if not positions and (elsewhere := _POSITION_ELSEWHERE.match(line)):
        positions = [elsewhere]
    if positions:
        return [match_span(match, "powershell") for match in positions if looks_like_a_file(match["path"])]
    if wrapped := _POSITION_WRAPPED.match(line):
        return [_wrapped_span(wrapped, context)]
    return _stack(line) or _places(line) or ([] if _NO_FILE.match(line) else None)


def _wrapped_span(match: re.Match[str], context: ContextLines) -> MatchSpan:
    span = match_span(match, "powershell")
    column = _WRAPPED_COLUMN.match(context.after())
    return span._replace(frame=span.frame._replace(column=int(column["column"]))) if column else span


def _stack(line: str) -> list[MatchSpan]:
    """Return the frames of a script's stack; a message may have all of them on one line."""
    matches = [*_STACK.finditer(line)]
    if not matches and (called := _CALL_STACK.match(line)):
        matches = [called]
    return [match_span(match, "powershell", function=match["function"]) for match in matches]


def _places(line: str) -> list[MatchSpan]:
    if match := _PESTER.match(line):
        function = match["code"] if _FUNCTION.match(match["code"]) else None
        return [match_span(match, "powershell", function=function)]
    if match := _PESTER_BEFORE_4.match(line) or _CONCISE.match(line):
        return [match_span(match, "powershell")]
    match = _ANALYZER.match(line)
    return [match_span(match, "powershell", kind="diagnostic")] if match else []


POWERSHELL: Final = Notation("powershell", (".ps", " char:", "<No file>: line "), _read)
