"""The JVM's frames: ``at java.base/java.lang.Thread.run(Thread.java:833)``, with or without ``at``."""

import re
from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import Spot
from scmhost.frames.languages import language_of
from scmhost.frames.near import Near
from scmhost.frames.patterns import Pattern
from scmhost.frames.spots import AT, spot

HINTS: Final[tuple[str, ...]] = (
    "at ",
    ".java",
    ".kt",
    ".sc",
    ".groovy",
    ".gradle",
    ".clj",
    ".jsp",
    "Caused by: ",
    "Suppressed: ",
    "... ",
)

_FAMILY: Final = ("java", "kotlin", "scala")
_EXTENSION: Final = Pattern(r"\.(?:java|kt|sc|groovy|gradle|clj|jsp)")
# A thread dump repeats the module within the parentheses.
_OPEN: Final = r"(?<!\.)\((?:[\w.]{1,100}@[^/()\s]{0,60}/)?"
_LINE: Final = r"(?::(?P<line>-?\d{1,9}))?\)"
_SOURCE: Final = r"(?P<path>[^\s():/<>]{1,200}\.(?:java|kts?|scala|sc|groovy|gradle|cljc?|jsp))"
_FRAME: Final = Pattern(
    rf"{AT}(?P<symbol>[^\s()]{{1,600}}){_OPEN}(?P<path>[^\s():<>]{{1,500}}\.[A-Za-z]\w{{0,9}}){_LINE}"
)
# Kotlin's tests have sentences for names.
_SENTENCE: Final = Pattern(rf"{AT}(?P<symbol>[\w$.]{{1,300}}\.[^\n.]{{1,300}}?){_OPEN}{_SOURCE}{_LINE}")
_PLAIN: Final = Pattern(rf"(?<![\w$.<>/@-])(?P<symbol>[\w$<>/@-][\w$.<>/@-]{{1,500}}){_OPEN}{_SOURCE}{_LINE}")
_NO_FILE: Final = Pattern(
    r"at [^\s()]{1,600}\((?:Native Method|Unknown Source|<generated>|[^\s()]{0,60}:\d{1,9}|SourceFile)[^)]{0,20}\)"
    r"|(?:Caused by|Suppressed): |\.\.\. \d{1,9} (?:more|common frames omitted)"
)
_LOADER: Final = Pattern(r"[^/$(]{0,200}/(?:[^/$(]{0,200}/)?")


def read(line: str, _near: Near) -> Sequence[Spot] | None:
    """The frames on this line; native code gives none."""
    found = [one for one in _FRAME.finditer(line) if "." in one["symbol"]]
    if not found and _EXTENSION.search(line):
        found = list(_SENTENCE.finditer(line)) or list(_PLAIN.finditer(line))
    return [_spot(one) for one in found if "." in one["symbol"]] or ([] if _NO_FILE.match(line) else None)


def _spot(found: re.Match[str]) -> Spot:
    symbol = found["symbol"]
    loader = _LOADER.match(symbol)
    module, _, function = symbol[loader.end() if loader else 0 :].rpartition(".")
    return spot(found, language_of(found["path"], "java", *_FAMILY), function=function, module=module)
