"""What logs, containers, tools and people put before the lines of a trace."""

from typing import Final

from .patterns import Pattern

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
_PREFIX: Final = Pattern(rf"(?:{'|'.join(_KINDS)}){{0,12}}")


# Lines of traces that begin so have no prefix but blanks, and are many.
_PLAIN: Final = ("at ", "File ", "from ")


def prefix_length(line: str) -> int:
    """How many characters stand before what was printed."""
    stripped = line.lstrip()
    if stripped.startswith(_PLAIN):
        return len(line) - len(stripped)
    found = _PREFIX.match(line)
    return found.end() if found else 0


def without_prefix(line: str) -> str:
    """The line as it was printed."""
    return line[prefix_length(line) :].rstrip()
