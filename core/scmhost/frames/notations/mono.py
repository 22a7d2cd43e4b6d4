"""Mono's and Unity's frames: ``at Shop.Total (Int32 x) [0x00007] in Shop.cs:12``, ``Shop:Total() (at Shop.cs:12)``."""

from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import Spot
from scmhost.frames.languages import language_of
from scmhost.frames.near import Near
from scmhost.frames.paths import looks_like_a_file
from scmhost.frames.patterns import Pattern
from scmhost.frames.spots import LINE, spot

HINTS: Final[tuple[str, ...]] = ("] in ", "> in <", " (at ", ".cs:", ".vb:", ".fs:")

_SYMBOL: Final = r"(?P<function>[^()\n]{1,600}?) ?\([^\n]{0,2000}?\) ?"
_MONO: Final = Pattern(
    rf"\bat {_SYMBOL}(?:\[0x[0-9a-f]{{1,16}}\]|<0x[0-9a-f +x]{{1,40}}>) in (?P<path>[^\n]{{1,1000}}?):{LINE}"
)
_UNITY: Final = Pattern(
    rf"(?P<function>[^\s()\n][^()\n]{{0,600}}?) ?\([^()\n]{{0,2000}}\) ?\(at"
    rf" (?P<path>[^()\n]{{1,1000}}?|[^\n]{{1,1000}}?\.cs):{LINE}\)"
)
_PLAYER: Final = Pattern(
    rf"0x[0-9a-f]{{1,16}} \((?P<module>[^()\n]{{1,100}})\) (?P<function>[^()\n]{{1,600}}?) \(at"
    rf" (?P<path>[^()\n]{{1,1000}}?):{LINE}\)"
)
_JIT: Final = Pattern(
    rf"(?:#\d{{1,6}}\s+)?0x[0-9A-Fa-f]{{1,16}} \((?P<module>[^()\n]{{1,100}})\) \[(?P<path>[^\]:\n]{{1,500}}):{LINE}\]"
    r" (?P<function>[^()\n]{1,600}?) ?\("
)
_ASP: Final = Pattern(
    rf"(?:at )?{_SYMBOL}in (?P<path>(?:[A-Za-z]:[\\/]|/)[^:\n]{{1,1000}}\.(?:cs|vb|fs|aspx|ascx|cshtml)):{LINE}$"
)


def read(line: str, _near: Near) -> Sequence[Spot] | None:
    """The frames on this line; those of modules without sources give none."""
    if player := _PLAYER.match(line) or _JIT.match(line):
        language = language_of(player["path"], "csharp", "cpp", "c")
        module = player["module"] if player["module"] != "Mono JIT Code" else None
        return [spot(player, language, function=player["function"], module=module)]
    found = list(_MONO.finditer(line)) or list(_UNITY.finditer(line)) or [one for one in [_ASP.match(line)] if one]
    if not found:
        return None
    return [spot(one, "csharp", function=one["function"].strip()) for one in found if _has_source(one["path"])]


def _has_source(path: str) -> bool:
    return bool(path.strip()) and looks_like_a_file(path)
