"""Shells: errors of bash, dash, ksh, zsh and fish, their traces (``set -x``), ``caller`` and ShellCheck."""

import re
from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import LINE, MatchSpan, Pattern, extension_of, known_language, match_span
from scmhost.frames.notation import ContextLines, Notation

# A relative path with blanks could begin with the prefix of a log.
_PATH: Final = (
    r"(?P<path>(?:\.{0,2}/|~/|[A-Za-z]:[\\/])[^:\"<>|\[\]\n]{0,300}?|[^\s:\"'<>|=()\[\]{},][^\s:\"<>|\[\]]{0,300}?)"
)
# An interactive shell prints its name before that of a script that it reads.
_BEGIN: Final = rf"(?:-?(?:ba|da|k|z|mk)?sh: )?{_PATH}"
# "line" in the translations of bash.
_WORDS: Final = (
    "Zeile|ligne|línea|liña|línia|linha|riga|строка|рядок|行|linia|regel|řádek|riadok|rad|rivi|linje|satır|줄|sor"
)
_ENGLISH: Final = Pattern(rf"{_BEGIN}: (?:[a-z ]{{1,40}}: )?line {LINE}: (?P<message>.*)")
_TRANSLATED: Final = Pattern(rf"{_BEGIN} ?: ?(?:{_WORDS}) ?{LINE} ?: ?(?P<message>.*)")
_DASH: Final = Pattern(rf"{_BEGIN}: {LINE}: (?P<message>.*)")
_KSH: Final = Pattern(rf"{_BEGIN}\[{LINE}\]: (?P<message>.*)")
_ZSH: Final = Pattern(rf"{_BEGIN}(?::(?:source|\.))?:{LINE}: (?P<message>.*)")
_FORMS: Final = (_ENGLISH, _TRANSLATED, _DASH, _KSH, _ZSH)
# The name of a script may have no extension.
_MESSAGE: Final = Pattern(
    r"(?:[^:]{1,200}: ){0,3}(?:(?:command |inaccessible or )?not found|[Ss]yntax error\b|unexpected |unbound variable"
    r"|[Nn]o such file|[Pp]ermission denied|bad (?:substitution|interpreter|array|pattern)|no matches found"
    r"|parameter (?:null or )?not set|not a valid identifier|.{0,20} expression expected|.{0,20} operator expected"
    r"|ambiguous redirect|readonly variable|too many arguments|numeric argument required|parse error near"
    r"|Is a directory|Not a directory|Argument list too long|division by |warning: here-document|invalid option)"
    r"| *\d{1,9} (?:Segmentation|Killed|Aborted|Terminated|Bus error|Illegal|Trace|Floating|Hangup)|`.*'$"
)
_NOT_FOUND: Final = Pattern(r"(?:[^:]{1,200}: ){0,3}(?:(?:command )?not found|[Ss]yntax error\b)")
# Commands and functions that come from no file: "sh: 1: x: not found", "environment: line 3".
_NO_FILES: Final = frozenset(
    ("sh", "bash", "dash", "ash", "ksh", "zsh", "mksh", "-sh", "-bash", "-zsh", "busybox", "environment", "main")
)

# PS4 is often "+ ${BASH_SOURCE}:${LINENO}: " or "+(${BASH_SOURCE}:${LINENO}): ${FUNCNAME}(): "; zsh has "+%N:%i> ".
_TRACED: Final = Pattern(
    rf"\+{{1,20}} ?[(\[]?(?P<path>[^\s:()\[\]+]{{1,300}}):{LINE}(?:[)\]]?:?|>)(?: |$)"
    r"(?:(?P<function>[A-Za-z_][\w.-]{0,100})\(\): )?"
)
# "12 files deploy.sh" is no frame.
_CALLER: Final = Pattern(
    rf"{LINE} (?P<function>(?:main|source)(?= )|[A-Za-z_][\w.:-]{{0,100}}(?= [^\s/]{{0,100}}/))"
    r" (?P<path>[^\s:\"'|]{1,300})$"
)
_FISH: Final = Pattern(rf"(?P<path>[^\s:\"'<>|()][^:\"<>|()\n]{{0,300}}\.fish) \(line {LINE}\): ?(?P<message>.*)")
_FISH_CALL: Final = Pattern(rf"called on line {LINE} of file (?P<path>[^\s:\"'<>|][^:\"<>|\n]{{0,300}})$")
_SHELLCHECK: Final = Pattern(rf"In (?P<path>[^\s:\"'<>|][^:\"<>|\n]{{0,300}}sh) line {LINE}:$")


def _read(line: str, _context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``./shop.sh: line 12: total: command not found``, and the forms of other shells."""
    if match := _TRACED.match(line) or _CALLER.match(line):
        in_script = known_language(match["path"]) == "shell"
        return [match_span(match, "shell", function=match["function"])] if in_script else None
    if match := _FISH_CALL.match(line):
        return [match_span(match, "shell")]
    if match := _FISH.match(line) or _SHELLCHECK.match(line):
        return [match_span(match, "shell", kind="diagnostic")]
    return next((_error(match, form) for form in _FORMS if (match := form.match(line))), None)


def _error(match: re.Match[str], form: Pattern) -> Sequence[MatchSpan] | None:
    path, message = match["path"], match["message"]
    if known_language(path) == "shell":
        return [match_span(match, "shell", kind="diagnostic")]
    # Only bash prints the name of a script without a folder before a line number, so its messages are certain.
    named = _MESSAGE.match(message) if form is _ENGLISH else form is not _KSH and _NOT_FOUND.match(message)
    if not named or extension_of(path):
        return None
    if path[path.rfind("/") + 1 :] in _NO_FILES:
        return []
    return [match_span(match, "shell", kind="diagnostic")] if "/" in path or form is _ENGLISH else None


_HINTS: Final = (": line ", ".sh", ".bash", ".zsh", ".ksh", ".fish", "not found", "yntax error", "sh line ")
SHELL: Final = Notation("shell", _HINTS, _read)
