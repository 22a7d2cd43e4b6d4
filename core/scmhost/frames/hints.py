"""Which lines are read, and by which notations: marks of lines that may have a frame, and hints of notations.

There are hundreds of hints, and a search for each of them would take longer than reading the line. So most of them have
a key: the two characters behind a dot, such as those of an extension, or the two before a blank or a colon, which end a
word. All keys of a line are found at once, and only their hints are searched for. Other hints share a text, which is
searched for first.

Every line with a frame or a diagnostic has one of the marks, and most lines of logs have none. A new notation or form
may need a row among them. The alternatives behind the same character are one pattern, because each pattern is a search
of the whole block. An alternative is cheap if it fails at its first character.
"""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final

from .diagnostics import DIAGNOSTICS
from .diagnostics.grouped import ROW, SEVERITIES
from .diagnostics.tool_forms import ANNOTATIONS
from .notation import AnyNotation
from .notations import NOTATIONS
from .physical_lines import LineMarks

Offer = tuple[Sequence[AnyNotation], Sequence[AnyNotation]]
"""The notations of frames, and those of diagnostics, in the order in which they read a line."""
# The message of an annotation may quote a frame, and its fields are more exact.
_FRAMES: Final[tuple[AnyNotation, ...]] = (ANNOTATIONS, *NOTATIONS)
# A set of notations is a number with one bit for each, which is faster than other sets and keeps their order.
_ALL: Final[tuple[AnyNotation, ...]] = (*_FRAMES, *DIAGNOSTICS)
_Groups = dict[str, list[tuple[str, int]]]

_BEHIND_DOT: Final = re.compile(r"\.(?=([A-Za-z].))")
_WORD_END: Final = re.compile(r"[ :](?<=(..)[ :])")
# More lines have these than other ends of words, so a hint with several keys belongs to another one.
_FREQUENT: Final = ("in", "at", "ne")
# A hint without a key belongs to the first text that it contains.
_SHARED: Final = ("#", "0x", "ss", '"')


def _groups(key: Callable[[str], str]) -> _Groups:
    """Return the hints with a key, by it."""
    groups: _Groups = {}
    for hint, mask in _MASKS.items():
        if text := key(hint):
            groups.setdefault(text, []).append((hint, mask))
    return groups


def _extension(hint: str) -> str:
    match = _BEHIND_DOT.match(hint)
    return match[1] if match else ""


def _word_end(hint: str) -> str:
    ends = () if _extension(hint) else _WORD_END.findall(hint)
    return min(ends, key=_FREQUENT.__contains__, default="")


def _shared(hint: str) -> str:
    if _extension(hint) or _word_end(hint):
        return ""
    return next((text for text in _SHARED if text in hint), hint)


def _masks() -> dict[str, int]:
    """Return the hints with their notations."""
    masks: dict[str, int] = {}
    for at, notation in enumerate(_ALL):
        for hint in notation.hints:
            masks[hint] = masks.get(hint, 0) | 1 << at
    return masks


_MASKS: Final = _masks()
_BY_EXTENSION: Final = _groups(_extension)
_BY_WORD_END: Final = _groups(_word_end)
_OTHERS: Final = tuple(_groups(_shared).items())
_ASCII_OTHERS: Final = tuple((text, hints) for text, hints in _OTHERS if text.isascii())
_EXTENSIONS: Final = frozenset(_BY_EXTENSION)
_WORD_ENDS: Final = frozenset(_BY_WORD_END)
_EVERY_LINE: Final = sum(1 << at for at, notation in enumerate(_ALL) if not notation.hints)


def offer(line: str) -> Offer:
    """Return the notations with a hint in this line, and those without hints."""
    return _notations(_EVERY_LINE | _with_keys(line) | _others(line))


def _with_keys(line: str) -> int:
    found = 0
    for end in _WORD_ENDS.intersection(_WORD_END.findall(line)):
        for hint, mask in _BY_WORD_END[end]:
            if hint in line:
                found |= mask
    for extension in _EXTENSIONS.intersection(_BEHIND_DOT.findall(line)):
        for hint, mask in _BY_EXTENSION[extension]:
            if hint in line:
                found |= mask
    return found


def _others(line: str) -> int:
    found = 0
    for text, hints in _ASCII_OTHERS if line.isascii() else _OTHERS:
        if text in line:
            for hint, mask in hints:
                if hint in line:
                    found |= mask
    return found


@lru_cache(maxsize=1024)
def _notations(mask: int) -> Offer:
    chosen = [notation for at, notation in enumerate(_ALL) if mask >> at & 1]
    number = (mask & ~(-1 << len(_FRAMES))).bit_count()
    return chosen[:number], chosen[number:]


_MARK_TEXTS: Final = (
    "line",
    "@",
    "?",
    "<asynchronous suspension>",
    "行",
    "第",
    "ç",
    *SEVERITIES,
)
_MARKS_BEHIND_COLON: Final = (
    r"\d(?:(?<![\d\s]:\d)|(?<=[a-z_]\d:\d)|(?<=[a-z_]\d\d:\d)|(?<=[a-z_]\d\d\d:\d))",
    r"in\W",
    r"[a-z](?<=dart:[a-z])",
    r"-1\)",
    r"[A-Z_a-z\u0080-\uffff]\w* \d",
    r"\[\d",
    r"\(\d",
    r"</b>\d",
    r":(?:error|warning|notice|debug) ",
    r" (?:\(\d|\d{1,9}(?:[:)]| \+ 0x)|(?<=[eyd]: )(?:(?<=ile: )|(?<=Caused by: )|(?<=Suppressed: ))|in (?<=\]: in ))",
)
# By their first letter, so that most texts are compared with one letter of each.
_MARKS_BEHIND_DOT: Final = (
    r"p(?:y(?:\S{0,3}\"| \d|x in )|hp\(|s[dm]?1[ :])",
    r"e(?:xs?: |rb(?:[\r\n]|:in|$))",
    r"dart[\s)]",
    r"j(?:ava(?:\)|: |\" \d)|sp\))",
    r"k(?:ts?\)|t\" \d|sh(?![^\r\n\[ ]))",
    r"s(?:c\)|cala(?:\)|\" \d)|wift\)|h(?![^\r\n\[ :])|lim(?:[\r\n]|:in|$))",
    r"gr(?:oovy|adle)\)",
    r"c(?:ljc?(?:\)|: |\" \d)|(?:c|pp)?: |(?:c|pp|s)?, ?(?:\d|sor)|r \d)",
    r"h(?:: |aml(?:[\r\n]|:in|$))",
    r"nim(?:s|ble|f)?\(",
    r"ml\"",
    r"bash(?![^\r\n ])",
    r"zsh(?![^\r\n\[ ])",
    r"\.\. \d",
    r"[A-Za-z]\w*+:(?<=\d:)\d",
)
_MARK_PATTERNS: Final = (
    rf":(?:{'|'.join(_MARKS_BEHIND_COLON)})",
    # Most dots of a log are within numbers or at the end of a sentence.
    rf"\.(?=[A-Za-z.])(?:{'|'.join(_MARKS_BEHIND_DOT)})",
    r"#(?:L?\d|#(?:vso|teamcity)\[)",
    r"0x(?:(?<=\s0x)[0-9a-f]{4,16}\s|(?<=[ab][ty] 0x)[0-9A-Fa-f]{1,16}: )",
    r"/[^\s/:]*\d:\d",
    r"\\[^\s\\:]*\d:\d",
    r"\((?:<|[Nn]ative|Unknown|in(?:dex)? |View: |Filename: |\d{1,9}(?:[,:-] ?\d{1,9}){0,3}\))",
    r"\)(?:\] (?<=\d\)\] )|: at )",
    r"\[\d{1,9}(?:, ?\d{1,9})?\]:",
    r">(?<=->) ",
    r"Line(?: number)?(?:\s{0,8}:)? \d",
    r"\|\s{2,6}\d{1,9}\s{3,}\S",
    r"s \d{1,9}:\d",
    r"x \d{1,9}:\d",
    rf"Z (?![A-Z]{{2}}){ROW}",
)
FRAME_MARKS: Final = LineMarks(
    _MARK_TEXTS, tuple(map(re.compile, _MARK_PATTERNS)), re.compile(rf"\n(?![12]\d\d\d-){ROW}")
)
