"""What logs, containers, tools and people put before a printed line.

A table lists the prefixes that one line alone shows. All others are learned: neighbouring lines of a log begin with the
same words and punctuation, while numbers, levels and long identifiers differ.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import accumulate, islice
from typing import Final, NamedTuple

from .frame import Pattern

_TIME: Final = r"\d\d:\d\d:\d\d(?:[.,]\d{1,9})?"
_DATE_TIME: Final = rf"\d{{4}}[-/]\d\d[-/]\d\d[T ]{_TIME}"

# A prefix that is the same on no two lines, or that may be on a single line, needs a row here.
_PREFIX_KINDS: Final = (
    r"\s+",
    r"\"(?!\s*:)(?:\\{1,2}t)*",  # a list of strings
    r">\s?",  # a quotation, or a debugger's mark
    r"[|│┃║]\s?",  # a box
    r"(?://+|#+|\*+|;+|--)\s",  # a comment
    r"#\d{1,6} (?:\[[^\[\]\n]{1,80}\] )?\d{1,6}\.\d{1,3}(?=\s)",  # BuildKit
    r"E\s{2,}",  # pytest
    r"==\d{1,9}==|--\d{1,9}--|\*\*\d{1,9}\*\*",  # valgrind
    r"\d\d[OE][ +]",  # GitLab
    r"_bk;t=\d{1,20}\x07",  # Buildkite
    r"##?\[[a-z]{1,20}\]|::(?:debug|error|notice|warning)::",  # GitHub, Azure
    r"\[(?!C\]|string \"|love \")[^\[\]\n]{1,80}\](?=:|\s{1,40}\S):?",  # a level, a thread, a pod
    rf"\[?{_DATE_TIME}\s?(?:Z|UTC|[+-]\d\d:?\d\d)?\]?:?(?=\s)",
    rf"\[?{_TIME}\]?(?=\s)",
    # syslog, journald
    r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d [^\s|/]{1,80} [^\s:\[('\"`]{1,60}(?:\[\d{1,9}\])?:(?=\s)",
    r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?=\s)",
    r"(?<=Z )[FP](?=\s)",  # a whole or partial line of a container
    r"#011|#012|\^I",  # a tab and a line feed, as rsyslog and Vim write them
    r"\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\s{1,4}\d{1,9}\s{1,9}\d{1,9} [VDIWEFA] [^:]{0,60}:(?=\s)",  # logcat
    r"\d{1,9}-\d{1,9}[/ ]{1,3}[\w.?]{1,80}\s{1,9}(?=[VDIWEFA]\b)",  # Android Studio
    r"[VDIWEFA]/[^(:\n]{1,60}(?:\(\s{0,6}\d{1,9}\))?:\s",
    r"[VDIWEFA](?=\s{2,})",
    r"[A-Z]{4}\[\d{4,9}\](?=[\w/.])",  # logrus, before the place of the call
    r"[\w.-]{1,60}+\s{0,30}+[|│](?!\|)",  # docker compose, heroku, foreman
    r"[\w.-]{1,60}+\[(?<!\.ksh\[)(?<!\.sh\[)[\w.-]{1,40}\]:(?=\s)",  # heroku, a process
    r"(?:CRITICAL|ERROR|WARNING|INFO|DEBUG):[\w.]{1,60}:(?!\d)",  # Python's logging
    r"(?:ERROR|ERR|WARN|WARNING|INFO|DEBUG|FATAL|CRITICAL|error|warn|info|debug|stderr|stdout)(?: [FP])?:?(?=\s)",
    r"(?<=\] )OUT(?=\s)",  # Cloud Foundry
    r"npm (?:ERR!|error)(?=\s)|flutter:(?=\s)",
)
# Prefixes come in any order: a container's name, then a time, then a level.
_PREFIX: Final = Pattern(rf"(?:{'|'.join(_PREFIX_KINDS)}){{0,12}}")

_SIDES: Final = ("|", "│", "┃", "║")
_BOX: Final = "".join(_SIDES) + " \t"

# Most lines of traces begin with one of these. They have no prefix but blanks, so the search is not needed.
_WITHOUT_PREFIX: Final = ("at ", "File ", "from ")


def prefix_length(line: str, begin: int = 0) -> int:
    """Return the position of the printed line behind the prefixes that the line alone shows."""
    if begin == 0:
        stripped = line.lstrip()
        if stripped.startswith(_WITHOUT_PREFIX):
            return len(line) - len(stripped)
    match = _PREFIX.match(line, begin)
    return match.end() if match else begin


def printed(line: str, begin: int) -> str:
    """Return the line as it was printed, from the position on, without what closes a quotation or box at its end."""
    body = line[begin:].rstrip()
    before = line[:begin].rstrip(" \t")
    if not before:
        return body
    # An item of a list of strings ends with a quote and a comma.
    if before.endswith(('"', '"\\t')):
        return body.rstrip('",')
    return body.rstrip(_BOX) if before.endswith(_SIDES) else body


# No prefix is longer, and the work for a line must not depend on its length.
_LONGEST: Final = 200
_MOST_ENDS: Final = 16
_TOKEN: Final = Pattern(r"[^\S\t]{0,40}\d\w{0,80}|\w{1,80}|\s{1,80}|[^\w\s]")
_DIGITS: Final = Pattern(r"\d+")
_IDENTIFIER: Final = Pattern(r"\s*(?=[a-fA-F]{0,80}\d)[\da-fA-F]{8,}$")
_HEX_DIGITS: Final = "0123456789abcdefABCDEF"
_LEVELS: Final = frozenset(
    (
        "critical",
        "debug",
        "err",
        "error",
        "fatal",
        "info",
        "notice",
        "severe",
        "stderr",
        "stdout",
        "trace",
        "warn",
        "warning",
    )
)
_BRACKETS: Final = {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}
# The words before a place in a frame; they are no part of a prefix.
_FRAME_WORDS: Final = frozenset(("at", "by", "from", "in", "on", "File", "file", "line"))
_SCHEME: Final = Pattern(r"(?:[\s(\"']|^)[A-Za-z][a-z+]{0,30}:$")


class LearnedPrefix(NamedTuple):
    """The prefix that a line shares with its neighbours.

    Attributes:
        shape: what its words and numbers have in common on all lines.
        end: the position in the line behind this prefix and those of the table that follow it.
    """

    shape: tuple[str, ...]
    end: int

    def length(self, line: str) -> int:
        """Return the position behind this prefix in another line, or behind the prefixes of the table alone."""
        begin = prefix_length(line)
        tokens = _tokens(line, begin)[: len(self.shape)]
        if self.shape != tuple(map(_shape, tokens)):
            return begin
        return _behind(line, begin + sum(map(len, tokens)))


def learned_prefixes(line: str, others: Iterable[str]) -> list[LearnedPrefix]:
    """Return the prefixes that the line shares with any of the other lines, the shortest first."""
    begin, first = _start(line)
    if line.startswith(_WITHOUT_PREFIX, begin):
        return []
    # The same line again does not show where its prefix ends.
    similar = [(other, _start(other)) for other in others if other != line and _may_share(line, begin, other)]
    neighbours = [(other, to) for other, (to, shape) in similar if shape == first]
    if not neighbours:
        return []
    tokens = _tokens(line, begin)
    tokens = tokens[: max(_number_shared(tokens, _tokens(other, to)) for other, to in neighbours)]
    shapes = tuple(map(_shape, tokens))
    positions = list(accumulate(map(len, tokens), initial=begin))
    ends = islice(_ends(line, shapes, positions, neighbours), _MOST_ENDS)
    return [LearnedPrefix(shapes[:at], _behind(line, positions[at])) for at in ends]


def _may_share(line: str, begin: int, other: str) -> bool:
    """Return whether the lines begin alike, which most lines without a log prefix do not."""
    first, second = line.lstrip()[:1], other.lstrip()[:1]
    return (
        first == second
        or (first in _HEX_DIGITS and second in _HEX_DIGITS)
        or (not line[:begin].isspace() and begin > 0)
    )


def _behind(line: str, end: int) -> int:
    """Return the position behind a learned prefix and those of the table that follow it."""
    if line[end - 1] == '"':
        while line.startswith("\\t", end):
            end += 2
    return prefix_length(line, end)


# A line is compared with each of those below it.
@lru_cache(maxsize=16)
def _start(line: str) -> tuple[int, str]:
    """Return the position behind the prefixes that the line alone shows, and the shape of the first token there."""
    begin = prefix_length(line)
    token = _TOKEN.match(line, begin)
    return begin, _shape(token[0]) if token else ""


@lru_cache(maxsize=16)
def _tokens(line: str, begin: int) -> list[str]:
    """Return the words, numbers, blanks and signs from the position on."""
    return _TOKEN.findall(line, begin, begin + _LONGEST)


# Neighbouring lines have the same words.
@lru_cache(maxsize=1024)
def _shape(token: str) -> str:
    if token.isspace():
        return " "
    if token.lower() in _LEVELS:
        return "level"
    return "0" if _IDENTIFIER.match(token) else _DIGITS.sub("0", token.lstrip())


def _number_shared(tokens: Sequence[str], others: Sequence[str]) -> int:
    """Return the number of tokens at the beginning that have the same shape in both lines."""
    pairs = zip(tokens, others, strict=False)
    differing = (at for at, (token, other) in enumerate(pairs) if token != other and _shape(token) != _shape(other))
    return next(differing, min(len(tokens), len(others)))


def _ends(
    line: str, shapes: Sequence[str], positions: Sequence[int], neighbours: Sequence[tuple[str, int]]
) -> Iterator[int]:
    """Yield the numbers of tokens after which a prefix may end: brackets are closed, and a blank or a sign follows."""
    begin = positions[0]
    depth, quoted, only_words, before = 0, False, True, " "
    for at, shape in enumerate(shapes, start=1):
        end = positions[at]
        # A list of types belongs to a symbol.
        if shape == "<" and before.isidentifier():
            return
        depth = max(0, depth + _BRACKETS.get(shape, 0))
        quoted ^= shape == '"'
        only_words = only_words and (shape == " " or shape.isalpha())
        following = line[end : end + 2]
        if shape == " " or depth or (only_words and not _is_column(following)) or (quoted and shape != '"'):
            pass
        elif following[:1].isspace() or not following:
            if shape not in _FRAME_WORDS:
                yield at
        elif shape == "-" and before == "0":
            # The numbers of lines differ, those in names do not.
            if not following[0].isdigit() and not any(
                other.startswith(line[begin:end], to) for other, to in neighbours
            ):
                yield at
        elif _is_sign(line[begin:end], shape, before, following[0]):
            yield at
        before = shape


def _is_column(blanks: str) -> bool:
    return blanks[:1] == "\t" or (blanks[1:].isspace() and blanks[:1].isspace())


def _is_sign(prefix: str, shape: str, before: str, following: str) -> bool:
    """Return whether a prefix ends with a sign that needs no blank behind it."""
    if shape == ":" != before:
        return not following.isdigit() and following != ":" and not _SCHEME.search(prefix)
    if shape == ",":
        return before == "0" and not following.isdigit()
    return shape in '|│┃>]"\x07' or (prefix in ("+", "-") and following != "[")
