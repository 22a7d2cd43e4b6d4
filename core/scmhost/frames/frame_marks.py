"""Marks of frames: every line with a frame or a diagnostic has one of them, and most lines of logs have none.

A new notation or form may need a row here. The alternatives behind the same character are one pattern, because each
pattern is a search of the whole block. An alternative is cheap if it fails at its first character.
"""

import re
from typing import Final

from .diagnostics.grouped import ROW, SEVERITIES
from .physical_lines import LineMarks

_TEXTS: Final = (
    "line",
    "@",
    "?",
    "<asynchronous suspension>",
    "行",
    "第",
    "ç",
    *SEVERITIES,
)
_BEHIND_COLON: Final = (
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
_BEHIND_DOT: Final = (
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
_PATTERNS: Final = (
    rf":(?:{'|'.join(_BEHIND_COLON)})",
    # Most dots of a log are within numbers or at the end of a sentence.
    rf"\.(?=[A-Za-z.])(?:{'|'.join(_BEHIND_DOT)})",
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
FRAME_MARKS: Final = LineMarks(_TEXTS, tuple(map(re.compile, _PATTERNS)), re.compile(rf"\n(?![12]\d\d\d-){ROW}"))
