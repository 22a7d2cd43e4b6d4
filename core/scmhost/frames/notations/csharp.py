r"""C# and its kin: ``at Shop.Total(Int32 x) in C:\shop\Shop.cs:line 12``, in any of .NET's languages."""

from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import Spot
from scmhost.frames.near import Near
from scmhost.frames.patterns import Pattern
from scmhost.frames.spots import LINE, spot

HINTS: Final[tuple[str, ...]] = (
    ":line ",
    ":Zeile ",
    ":ligne ",
    ":línea ",
    ":linea ",
    ":linha ",
    ":riga ",
    ":строка ",
    ":рядок ",
    ":行号 ",
    ":行 ",
    ":줄 ",
    ":wiersz ",
    ":regel ",
    ":rad ",
    ":satır ",
    ":řádek ",
)

_WORDS: Final = "|".join(hint[1:-1] for hint in HINTS)
_PLACE: Final = Pattern(
    r"(?<![^\s(])(?P<path>(?:[A-Za-z]:\\{0,3}[\\/]|/|\\\\|[\w.]{1,60}[\\/]|https?://)[^:\n]{1,1000}"
    rf"|(?<![^\s(])[\w.-]{{1,100}}\.[A-Za-z]{{2,8}}):(?:{_WORDS}) {LINE}"
)


def read(line: str, _near: Near) -> Sequence[Spot] | None:
    """The frames on this line."""
    spots = []
    end = 0
    for found in _PLACE.finditer(line):
        spots.append(spot(found, "csharp", function=_function(line[end : found.start()])))
        end = found.end()
    return spots or None


def _function(head: str) -> str | None:
    """The method before the place, whatever the word for "at" is."""
    before, at, call = f" {head}".rpartition(" at ")
    symbol, arguments, _ = (call if at else before + call.lstrip().partition(" ")[2]).partition("(")
    return symbol.strip().removeprefix("async ") if arguments else None
