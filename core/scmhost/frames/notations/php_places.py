"""Where PHP's errors were thrown: ``in /srv/app/shop.php:12`` and ``in /srv/app/shop.php on line 12``."""

from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import Spot
from scmhost.frames.near import Near
from scmhost.frames.paths import looks_like_a_file
from scmhost.frames.patterns import Pattern
from scmhost.frames.spots import LINE, spot

HINTS: Final[tuple[str, ...]] = (
    " line ",
    ".php:",
    ".inc:",
    ".phtml:",
    ".module:",
    ".php(",
    " of ",
)

_PATH: Final = r"(?P<path>(?:[A-Za-z]:(?=[\\/])|[a-z]{2,10}://)?[^\s:\"'`(<][^:\"`(<\n]{0,500}"
_ON_LINE: Final = Pattern(rf"in {_PATH}?) on line {LINE}")
_EVALUATED: Final = Pattern(rf"in {_PATH}?)\({LINE}\) : [\w ()'-]{{1,60}}? on line \d")
_COLON: Final = Pattern(rf"(?:in|at) \"?{_PATH}?\.(?:php\d?|inc|phtml|module|theme|twig|ctp|tpl|install)):{LINE}")
_SYMFONY: Final = Pattern(rf"in {_PATH}?\.php) \(?line {LINE}\)?")
# Symfony's console; PHP's own messages as a browser gets them.
_TITLE: Final = Pattern(rf"In (?P<path>[^\s:/\\]{{1,300}}\.php) line {LINE}:$")
_HTML: Final = Pattern(rf".{{1,2000}}? in <b>(?P<path>[^<>\n]{{1,500}})</b> on line <b>{LINE}</b>")
_CAKE: Final = Pattern(rf"(?P<function>[^\s(]{{1,300}})\(.*\) - {_PATH}?\.php), line:? {LINE}$")
# Drupal, and WordPress' letters.
_LINE_OF: Final = Pattern(rf"line {LINE} of (?:the file )?{_PATH}?\.(?:php|inc|module))")
_ROWS: Final = (_EVALUATED, _ON_LINE, _COLON, _SYMFONY, _LINE_OF)
_SENTENCE: Final = Pattern(r"at (?P<function>[^\s(]{1,300})\(")
_LAST: Final = Pattern(r"\b(?:in|at|line) ")


def read(line: str, _near: Near) -> Sequence[Spot] | None:
    """The places on this line. A message may speak of files too; the place is the last."""
    if cake := _CAKE.match(line):
        return [spot(cake, "php", function=cake["function"])]
    if alone := _TITLE.match(line) or _HTML.match(line):
        return [spot(alone, "php")]
    return places(line, 0, len(line)) or None


def places(line: str, begin: int, end: int) -> Sequence[Spot]:
    """The last place within a part of a line."""
    starts = [one.start() for one in _LAST.finditer(line, begin, end)]
    for start in reversed(starts[-8:]):
        found = next((one for pattern in _ROWS if (one := pattern.match(line, start, end))), None)
        if found and looks_like_a_file(found["path"]):
            called = _SENTENCE.match(line)
            return [spot(found, "php", function=called["function"] if called else None)]
    return []
