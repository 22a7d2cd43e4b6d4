"""Python as debuggers print it: gdb's ``Frame 0x7f, for file x.py, line 3, in f ()``, pdb's ``x.py(3)f()``, py-spy."""

from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import Spot
from scmhost.frames.near import Near
from scmhost.frames.paths import names_a_file
from scmhost.frames.patterns import Pattern
from scmhost.frames.spots import LINE, spot

HINTS: Final[tuple[str, ...]] = (" for file ", ".py(", ".py:", ".pyx:")

_GDB: Final = Pattern(
    rf"#\d{{1,6}}\s+(?:Frame 0x[0-9a-f]{{1,16}})?, for file (?P<path>[^,\n]{{1,2000}}), line {LINE}, in"
    rf" (?P<function>[^\s(]{{1,300}})"
)
_PDB: Final = Pattern(rf"(?P<path>[^:()\"']{{1,2000}}\.py)\({LINE}\)(?P<function>[\w<>.]{{1,300}})\(\)")

_PY_SPY: Final = Pattern(rf"(?P<function>[^\s()@:]{{1,300}}) \((?P<path>[^():\n]{{1,500}}\.pyx?):{LINE}\)$")


def read(line: str, _near: Near) -> Sequence[Spot] | None:
    """The frame on this line."""
    found = _GDB.match(line) or _PDB.match(line) or _PY_SPY.match(line)
    if not found:
        return None
    return [spot(found, "python", function=found["function"])] if names_a_file(found["path"]) else []
