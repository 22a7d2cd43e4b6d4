"""What logs, containers, tools and people put before the lines of a trace.

A frame that is lost behind a prefix needs a row in ``_KINDS``.
"""

from typing import Final

from .match_spans import Pattern

_KINDS: Final = (
    r"\s+",
    r"\"(?!\s*:)",  # a list of strings
    r">\s?",  # a quotation, or a debugger's mark
    r"[|│┃║]\s?",  # a box
    r"(?://+|#+|\*+|;+|--)\s",  # a comment
    r"E\s{2,}",  # pytest
    r"==\d{1,9}==|--\d{1,9}--|\*\*\d{1,9}\*\*",  # valgrind
    r"\d\d[OE][ +]",  # GitLab
    r"##?\[[a-z]{1,20}\]",  # GitHub, Azure
    r"\[[^\[\]\n]{1,80}\](?=[\s:]):?",  # a level, a thread, a pod
    r"\[?\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?\s?(?:Z|UTC|[+-]\d\d:?\d\d)?\]?:?(?=\s)",
    r"\[?\d\d:\d\d:\d\d(?:[.,]\d{1,9})?\]?(?=\s)",
    r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d [^\s|]{1,80} [^\s:\[(]{1,60}(?:\[\d{1,9}\])?:(?=\s)",  # syslog, journald
    r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?=\s)",
    r"\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\s{1,4}\d{1,9}\s{1,9}\d{1,9} [VDIWEFA] [^:]{0,60}:(?=\s)",  # logcat
    r"\d{1,9}-\d{1,9}[/ ]{1,3}[\w.?]{1,80}\s{1,9}(?=[VDIWEFA]\b)",  # Android Studio
    r"[VDIWEFA]/[^(:\n]{1,60}(?:\(\s{0,6}\d{1,9}\))?:\s",
    r"[VDIWEFA](?=\s{2,})",
    r"[\w.-]{1,60}\s{0,30}\|(?=\s|$)",  # docker compose, heroku, foreman
    r"[\w.-]{1,60}\[[\w.-]{1,40}\]:(?=\s)",  # heroku, a process
    r"(?:ERROR|ERR|WARN|WARNING|INFO|DEBUG|FATAL|CRITICAL|error|warn|info|debug|stderr|stdout|npm ERR!)(?: F)?:?(?=\s)",
)
# Prefixes come in any order: a container's name, then a time, then a level.
_PREFIX: Final = Pattern(rf"(?:{'|'.join(_KINDS)}){{0,12}}")

# Most lines of traces begin with one of these. They have no prefix but blanks, so the search is not needed.
_WITHOUT_PREFIX: Final = ("at ", "File ", "from ")


def prefix_length(line: str) -> int:
    """Return the number of characters before the printed line."""
    stripped = line.lstrip()
    if stripped.startswith(_WITHOUT_PREFIX):
        return len(line) - len(stripped)
    match = _PREFIX.match(line)
    return match.end() if match else 0


def without_prefix(line: str) -> str:
    """Return the line as it was printed, without the blanks at its end."""
    return line[prefix_length(line) :].rstrip()
