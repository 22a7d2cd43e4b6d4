"""Rust: panics, backtraces, eyre's reports, Miri, and the locations that loggers add."""

import re
from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import LINE, LINE_COLUMN, ROOT, MatchSpan, Pattern, language_of, looks_like_a_file, match_span
from scmhost.frames.notation import ContextLines, Notation

_COLUMN: Final = r":(?P<column>\d{1,9})(?!\d)"
_RS: Final = rf"(?P<path>(?:{ROOT}|[A-Za-z]:)?[^\s:'\"(\[][^:'\"\n]{{0,1000}}\.rs)"
_PANIC: Final = Pattern(rf"panicked at {_RS}:{LINE}{_COLUMN}")
# Before 1.73 the message, which may have many lines, precedes the location.
_OLD_PANIC: Final = Pattern(rf"['\")], {_RS}:{LINE}(?:{_COLUMN})?$")
# error-stack draws a tree, and tracing may add a thread's name.
_FILE: Final = Pattern(
    rf"(?P<mark>[├╰]╴)?at (?P<path>(?:{ROOT}|[A-Za-z]:)?[^\s:(\[][^:\n]{{0,1000}}):{LINE_COLUMN}(?: on \S{{1,100}})?$"
)
# eyre's reports.
_LOCATION: Final = Pattern(rf"(?P<head>Location: ?)?{_RS}:{LINE}(?:{_COLUMN})?$")
_SYMBOL: Final = Pattern(r"\d{1,6}:\s+(?:0x[0-9a-f]{1,16} - )?(?P<function>\S.*)$")
_INLINED: Final = Pattern(r"(?P<function>[^\s(][^\n]{0,500}::.+|<.+>::.+|\w+)$")
_MIRI: Final = Pattern(rf"inside (?:closure |call to )?`?(?P<function>[^`\n]{{1,300}}?)`? at {_RS}:{LINE_COLUMN}")


def _read(line: str, context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``panicked at src/main.rs:2:5``, and ``at src/main.rs:2:5`` below ``4: shop::total``."""
    if ".rs:" in line:
        if match := _PANIC.search(line) or _OLD_PANIC.search(line):
            return [match_span(match, "rust")]
        if match := _MIRI.search(line):
            return [match_span(match, "rust", function=match["function"])]
        if (match := _LOCATION.match(line)) and (match["head"] or context.before() == "Location:"):
            return [match_span(match, "rust")]
    match = _FILE.match(line) if line[-1:].isdigit() or " on " in line else None
    return _backtrace_span(match, context) if match else None


def _backtrace_span(match: re.Match[str], context: ContextLines) -> Sequence[MatchSpan] | None:
    # A line "with ..." may be between the function and its file.
    above = context.before(2 if context.before().startswith("with ") else 1)
    # Some logs put an empty line between all lines.
    symbol = _SYMBOL.match(above or context.before(2))
    if not match["path"].endswith(".rs") and not (symbol and looks_like_a_file(match["path"])):
        return None
    symbol = symbol or (None if match["mark"] else _INLINED.match(above))
    function = symbol["function"].rstrip() if symbol else None
    return [match_span(match, language_of(match["path"], "rust", "c", "cpp"), function=function)]


RUST: Final = Notation("rust", ("at ", "', ", ".rs:"), _read)


_LOGGED_PATH: Final = rf"(?P<path>(?:{ROOT})?[^\s:'\"(\[=]{{1,1000}}\.rs)"
_LOGGED_ROWS: Final = (
    # After the message, in brackets, behind a span, in a field, before the message.
    Pattern(rf"(?: at |': |: ){_LOGGED_PATH}:{LINE}(?:{_COLUMN})?(?=$|[ ,;)])"),
    Pattern(rf"(?:[(\[]| @ |=\"?|location: ?){_LOGGED_PATH}:{LINE}(?:{_COLUMN})?(?=[)\]\" ,]|$)"),
    Pattern(rf"(?<!\S)\w{{1,100}}(?:::\w{{1,100}}){{0,20}}: {_LOGGED_PATH}:{LINE}(?:{_COLUMN})?: "),
    # The fields of log and tracing, and the report of human-panic.
    Pattern(
        rf"\bfile(?:name|path)?\"?[=:] ?\"?{_LOGGED_PATH}\"?,? ?\"?(?:(?:log|panic|code)\.)?"
        rf"line(?:_number|no)?\"?[=:] ?\"?{LINE}"
    ),
    Pattern(rf"[Pp]anic occurred in file '{_LOGGED_PATH}' at line {LINE}"),
)


def _read_logged(line: str, _context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``panicked: no price at src/cart.rs:2:5``, ``(src/cart.rs:2:5)`` and ``file="src/cart.rs" line=2``."""
    rows = _LOGGED_ROWS if "panic" in line else _LOGGED_ROWS[1:]
    match = next((match for pattern in rows if (match := pattern.search(line))), None)
    return [match_span(match, "rust")] if match else None


LOGGED: Final = Notation("rust_logged", (".rs",), _read_logged)
