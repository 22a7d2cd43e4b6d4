"""JRuby's own table, ``     total at /srv/app/shop.rb:12``, and ``RUBY.total(/srv/app/shop.rb:12)``."""

from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import Spot
from scmhost.frames.languages import language_of
from scmhost.frames.near import Near
from scmhost.frames.patterns import Pattern
from scmhost.frames.spots import LINE, spot

HINTS: Final[tuple[str, ...]] = (".rb:", ".java:")

_ROW: Final = Pattern(
    rf"(?P<function>\(root\)|\S{{1,200}}) at (?P<path>(?:[A-Za-z]:)?[^\s:]{{1,1000}}\.(?:rb|java)):{LINE}$"
)

_CALL: Final = Pattern(
    rf"(?P<module>[\w.$]{{1,200}})\.(?P<function>[^\s.()]{{1,200}})\((?P<path>[^\s():]{{0,1000}}/[^\s():]{{1,200}}\.(?:rb|java)):{LINE}\)$"
)


def read(line: str, _near: Near) -> Sequence[Spot] | None:
    """The frame on this line."""
    found = _ROW.match(line) or _CALL.match(line)
    if not found:
        return None
    return [spot(found, language_of(found["path"], "ruby", "java"), function=found["function"])]
