"""Clojure: its REPL, compiler and test runner, the columns of clj-stacktrace and pretty, and the errors of Babashka."""

import re
from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import LINE, LINE_COLUMN, ROOT, MatchSpan, Pattern, language_of, match_span
from scmhost.frames.notation import ContextLines, Notation

_FAMILY: Final = ("java", "kotlin", "scala")
_FILE: Final = rf"(?P<path>(?:{ROOT})?[^\s():\"<>|]{{1,500}}\.clj[cs]?)"
# A macro is not the function that has the place.
_SYMBOL: Final = r"(?P<macro>macroexpanding )?(?P<function>[\w.*+!?<>=$'-]{1,200}/\S{1,200})"
_PLACE: Final = Pattern(rf"(?:{_SYMBOL} (?:at )?)?\({_FILE}:{LINE_COLUMN}\)")
# Clojure's functions fail in its Java sources, too.
_JAVA: Final = Pattern(rf"[^\n]{{0,2000}}? at {_SYMBOL} \((?P<path>[\w$]{{1,200}}\.java):{LINE}\)\.?$")
_ERROR: Final = Pattern(
    r"[^\n]{0,2000}?(?:\b(?:[Ee]rror|[Ee]xception|ERROR|FAIL|WARNING|compiling)\b|\bcompiling:)"
    r"|at [\w.$-]{1,200}/\S{1,200} \(\S{1,500}\.clj"
)
_WARNING: Final = Pattern(
    r"(?:Reflection|Boxed math|Auto-boxing|Performance) warning, "
    rf"{_FILE}:{LINE_COLUMN}"
)
# "#error" prints vectors; compilers name the line in words or as keys.
_VECTOR: Final = Pattern(
    r"\[(?P<symbol>[\w.$*+!?<>=-]{1,300} [^\s\"\[\]]{1,200})"
    rf" \"(?P<path>[\w$-]{{1,200}}\.(?:clj[cs]?|java|kt|scala))\" {LINE}\]"
)
_WORDS: Final = Pattern(rf".{{0,500}}? at line {LINE} {_FILE}$")
_COLUMNS: Final = Pattern(rf".{{0,100}}?\s{_FILE}\s+line:{LINE}\s+column:(?P<column>\d{{1,9}})")
_KEYS: Final = Pattern(
    rf".{{0,2000}}?:(?P<keys>(?:clojure\.error/)?)line {LINE}, :(?P=keys)column (?P<column>\d{{1,9}}),"
    rf" :(?P=keys)source \"{_FILE}\""
)
_COLUMN_FILE: Final = r"(?P<path>(?:[\w.-]{1,100}/){0,20}[\w$-]{1,200}\.(?:clj[cs]?|java|kt|scala))"
# clj-stacktrace: "cart.clj:12 shop.cart/total"; pretty and io.aviso: "shop.cart/total   cart.clj:  12".
_FILE_FIRST: Final = Pattern(
    rf"{_COLUMN_FILE}:{LINE} (?P<function>[\w.$*+!?<>=-]{{1,300}}[./][^\s(]{{1,200}})(?: \(\d{{1,6}}\))?$"
)
_FILE_LAST: Final = Pattern(
    r"(?P<function>[\w.$*+!?<>=-]{1,300}[./][^\s(]{1,200})\s{1,200}"
    rf"{_COLUMN_FILE}:(?P<pad> {{0,6}}){LINE}(?: \(repeats \d{{1,9}} times\))?$"
)


def _read(line: str, _context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``Execution error at shop.cart/total (cart.clj:12).`` and ``shop.cart/total   cart.clj:  12``."""
    if ".clj" in line and _ERROR.match(line):
        spans = [_span(match, None if match["macro"] else match["function"]) for match in _PLACE.finditer(line)]
        if spans:
            return spans
    place = _WARNING.match(line) if " warning, " in line else "line" in line and _worded(line)
    if place:
        return [_span(place, None)]
    if '"' in line and (vectors := [*_VECTOR.finditer(line)]):
        return [_span(match, match["symbol"].replace(" ", ".")) for match in vectors]
    match = _JAVA.match(line) if "/" in line else None
    # Java's own frames are no columns.
    match = match or (None if line.startswith("at ") else _FILE_FIRST.match(line) or _FILE_LAST.match(line))
    return [_span(match, match["function"])] if match else None


def _worded(line: str) -> re.Match[str] | None:
    """Return the place whose line is named by a word or a key."""
    return _WORDS.match(line) or _COLUMNS.match(line) or _KEYS.match(line)


def _span(match: re.Match[str], symbol: str | None) -> MatchSpan:
    """Return the span of a place; one without a symbol is a compiler's or a test runner's, and so a diagnostic."""
    language = language_of(match["path"], *_FAMILY)
    if symbol is None:
        span = match_span(match, language)
        return span._replace(frame=span.frame._replace(kind="diagnostic"))
    module, separator, function = symbol.partition("/")
    if not separator:
        module, _, function = symbol.rpartition(".")
    return match_span(match, language, function=function, module=module)


CLOJURE: Final = Notation("clojure", (".clj", ".java:", '.java"'), _read)


_BABASHKA_PATH: Final = r"(?P<path>(?:[A-Za-z]:(?=[\\/]))?[^\s:\"'<>|(][^:\"<>|\n]{0,300}\.(?:clj[cds]?|bb))"
_BABASHKA_LOCATION: Final = Pattern(rf"Location: {{1,8}}{_BABASHKA_PATH}:{LINE_COLUMN}$")
_BABASHKA_FRAME: Final = Pattern(rf"(?P<function>[^\s()]{{1,300}}) +- {_BABASHKA_PATH}:{LINE}:(?P<column>\d{{1,9}})$")


def _read_babashka(line: str, _context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``Location: /srv/shop/cart.clj:5:3``, and ``cart/total  - /srv/shop/cart.clj:8:3``."""
    if match := _BABASHKA_LOCATION.match(line):
        return [match_span(match, "clojure")]
    if match := _BABASHKA_FRAME.match(line):
        function = match["function"] if "/" in match["function"] else None
        return [match_span(match, "clojure", function=function)]
    return None


BABASHKA: Final = Notation("babashka", (".clj", ".bb:"), _read_babashka)
