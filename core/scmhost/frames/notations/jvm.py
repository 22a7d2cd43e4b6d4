"""The JVM: frames of Java, Kotlin, Scala and others."""

import re
from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import AT, MatchSpan, Pattern, language_of, match_span
from scmhost.frames.notation import ContextLines, Notation

# The first language is the default.
_FAMILY: Final = ("java", "kotlin", "scala")
_EXTENSION: Final = Pattern(r"\.(?:java|kt|sc|groovy|gradle|clj|jsp)")
# A thread dump repeats the module within the parentheses.
_OPEN: Final = r"(?<!\.)\((?:[\w.]{1,100}@[^/()\s]{0,60}/)?"
_LINE: Final = r"(?::(?P<line>-?\d{1,9}))?\)"
_SOURCE: Final = r"(?P<path>[^\s():/<>]{1,200}\.(?:java|kts?|scala|sc|groovy|gradle|cljc?|jsp))"
_FRAME: Final = Pattern(
    rf"{AT}(?P<symbol>[^\s()]{{1,600}}){_OPEN}(?P<path>[^\s():<>]{{1,500}}\.[A-Za-z]\w{{0,9}}){_LINE}"
)
# The Play Console puts a blank before the parenthesis.
_SPACED: Final = Pattern(rf"{AT}(?P<symbol>[^\s():]{{1,600}}) {_OPEN}{_SOURCE}{_LINE}")
# The names of Kotlin's tests may be sentences.
_SENTENCE: Final = Pattern(rf"{AT}(?P<symbol>[\w$.]{{1,300}}\.[^\n.]{{1,300}}?){_OPEN}{_SOURCE}{_LINE}")
_PLAIN: Final = Pattern(rf"(?<![\w$.<>/@-])(?P<symbol>[\w$<>/@-][\w$.<>/@-]{{1,500}}) ?{_OPEN}{_SOURCE}{_LINE}")
_NO_FILE: Final = Pattern(
    r"at [^\s()]{1,600}\((?:Native Method|Unknown Source|<generated>"
    r"|(?![^\s()]{1,60}\.[cm]?[jt]sx?:)[^\s()/\\]{0,60}:\d{1,9}|SourceFile)[^)]{0,20}\)"
    r"|at [^\s()]{1,600} \((?:[Nn]ative [Mm]ethod|Unknown Source)(?::\d{1,9})?\)"
    r"|(?:Caused by|Suppressed): (?![^\n]{0,300}\.[a-z]{2,6}:\d)|\.\.\. \d{1,9} (?:more|common frames omitted)"
)
_LOADER: Final = Pattern(r"[^/$(]{0,200}/(?:[^/$(]{0,200}/)?")


def _read(line: str, _context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``at java.base/java.lang.Thread.run(Thread.java:833)``, with or without "at"."""
    opened = "(" in line
    matches = [match for match in _FRAME.finditer(line) if "." in match["symbol"]] if opened else []
    if opened and not matches and _EXTENSION.search(line):
        matches = (
            (list(_SPACED.finditer(line)) if " (" in line else [])
            or list(_SENTENCE.finditer(line))
            or list(_PLAIN.finditer(line))
        )
    return [_span(match) for match in matches if "." in match["symbol"]] or ([] if _NO_FILE.match(line) else None)


def _span(match: re.Match[str]) -> MatchSpan:
    symbol = match["symbol"]
    loader = _LOADER.match(symbol)
    module, _, function = symbol[loader.end() if loader else 0 :].rpartition(".")
    return match_span(match, language_of(match["path"], *_FAMILY), function=function, module=module)


JVM: Final = Notation(
    "jvm",
    ("at ", ".java", ".kt", ".sc", ".groovy", ".gradle", ".clj", ".jsp", "Caused by: ", "Suppressed: ", "... "),
    _read,
)
