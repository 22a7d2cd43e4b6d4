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
    "#",
    "?",
    "0x",
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
    r"[^\W\d]\w* \d",
    r"\[\d",
    r"\(\d",
    r":(?:error|warning|notice|debug) ",
    r" (?:\(\d|\d{1,9}[:)]|(?<=ile: )|(?<=Caused by: )|(?<=Suppressed: )|in (?<=\]: in ))",
)
_BEHIND_DOT: Final = (
    r"py|ex|dart|php\(",
    r"(?:java|kts?|sc|scala|groovy|gradle|cljc?|jsp|swift)\)",
    r"(?:cljc?|java|c|cc|cpp|h): ",
    r"(?:cljc?|java|kt|scala)\" \d",
    r"c(?:c|pp|s)?, ?(?:\d|sor)",
    r"(?:erb|haml|slim)(?:[\r\n]|:in|$)",
    r"nim(?:s|ble|f)?\(|ps[dm]?1[ :]|ml\"",
    r"sh(?![^\r\n\[ :])|bash(?![^\r\n ])|[kz]sh(?![^\r\n\[ ])",
    r"\.\. \d",
    r"[A-Za-z]\w*\d:\d",
)
_PATTERNS: Final = (
    rf":(?:{'|'.join(_BEHIND_COLON)})",
    # Most dots of a log are within numbers or at the end of a sentence.
    rf"\.(?=[A-Za-z.])(?:{'|'.join(_BEHIND_DOT)})",
    r"/[^\s/:]*\d:\d",
    r"\\[^\s\\:]*\d:\d",
    r"\((?:<|[Nn]ative|Unknown|in(?:dex)? |View: |Filename: |\d{1,9}(?:[,:-] ?\d{1,9}){0,3}\))",
    r"\)(?:\] (?<=\d\)\] )|: at )",
    r"\[\d{1,9}(?:, ?\d{1,9})?\]:",
    r">(?<=->) ",
    r"Line(?: number)?(?:\s{0,8}:)? \d",
    r"s \d{1,9}:\d",
    r"x \d{1,9}:\d",
    rf"Z (?![A-Z]{{2}}){ROW}",
)
FRAME_MARKS: Final = LineMarks(_TEXTS, tuple(map(re.compile, _PATTERNS)), re.compile(rf"\n(?![12]\d\d\d-){ROW}"))
