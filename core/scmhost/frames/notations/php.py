"""PHP's traces: ``#1 /srv/app/shop.php(12): Shop->total()``; frames of the engine have no file."""

import re
from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import Spot
from scmhost.frames.near import Near
from scmhost.frames.paths import looks_like_a_file
from scmhost.frames.patterns import Pattern
from scmhost.frames.spots import LINE, spot

from . import php_places

HINTS: Final[tuple[str, ...]] = ("#", ".php(")

_SYMBOL: Final = r"(?P<function>(?:[^({\n]|\{[^}\n]{0,300}\}){1,500})"
_FRAME: Final = Pattern(
    r"(?<![^\s\"'>])(?:#\d{1,6}:? +(?P<path>(?:[A-Za-z]:|phar:|vfs:|file:)?[^\s:(\[{](?:[^:(\n]{0,1000}[^:(\s])?)"
    # Markdown makes a list of it.
    rf"|\d{{1,4}}\.? +(?P<listed>[^\s:(]{{1,1000}}\.php))\({LINE}\)"
    rf"(?: : [\w ()'-]{{1,60}}?\(?\d*\)?)?: {_SYMBOL}"
)
_CALLED: Final = Pattern(
    rf"#\d{{1,6}} +(?P<function>[^(\n]{{1,500}})\(.*\) called at \[(?P<path>[^\]\n]{{1,1000}}?):{LINE}\]"
)
_NO_FILE: Final = Pattern(r"#\d{1,6} +(?:\[internal function\]|\{main\})")


def read(line: str, _near: Near) -> Sequence[Spot] | None:
    """The frames on this line, and where the error was thrown if all of the trace stands on it."""
    found = list(_FRAME.finditer(line)) or list(_CALLED.finditer(line))
    if not found:
        return [] if _NO_FILE.match(line) else None
    head, tail = found[0].start(), found[-1].end()
    frames = [one for one in map(_spot, found) if looks_like_a_file(one.frame.path)]
    return [*php_places.places(line, 0, head), *frames, *php_places.places(line, tail, len(line))]


def _spot(found: re.Match[str]) -> Spot:
    group = "listed" if "listed" in found.re.groupindex and found["listed"] else "path"
    return spot(found, "php", function=found["function"].strip(), group=group)
