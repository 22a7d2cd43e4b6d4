"""Go's stacks: a function, and on the next line its file, ``/srv/app/main.go:12 +0x1d``."""

from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import Spot
from scmhost.frames.near import Near
from scmhost.frames.patterns import Pattern
from scmhost.frames.spots import LINE, spot

HINTS: Final[tuple[str, ...]] = (".go:", " +0x", ".s:")

_PATH: Final = r"(?P<path>(?:[A-Za-z]:)?[^\s:\"'(][^:\"'\n]{0,1000}"
_FILE: Final = Pattern(
    rf"(?:at )?{_PATH}\.(?:go|s|S|c|y|rl|peg|templ)):{LINE}(?P<offset> \+0x[0-9a-f]+\b.*| \(0x[0-9a-f]+\))?$"
)
_CREATED: Final = Pattern(r"created by (?P<function>\S+)(?: in goroutine \d+)?$")
_DELVE: Final = Pattern(r"(?<!\d)\d{1,6}\s+0x[0-9a-f]{1,16} in (?P<function>\S+)$")
_CALL: Final = Pattern(r"(?<![^\s()\"'=])(?P<function>[^\s()\"'=]*(?:\(\*?[^()\s]*\)[^\s()]*)?)\([^()]*\)$")
# pkg/errors and zap print the function alone.
_NAME: Final = Pattern(r"(?<!\S)(?P<function>[\w./~%-]{1,300}\.[\w.()*\[\]/-]{1,300})$")
_ROWS: Final = (_CREATED, _DELVE, _CALL, _NAME)
_TRACED: Final = Pattern(rf"Error Trace:\s+{_PATH}\.go):{LINE}$")
# gin prints the function below: "main.total: return prices[3]".
_BELOW: Final = Pattern(r"(?P<function>[^\s:]{2,300}): ")


def read(line: str, near: Near) -> Sequence[Spot] | None:
    """The frame whose file is on this line; its function is on a neighbouring one."""
    if traced := _TRACED.match(line):
        return [spot(traced, "go")]
    found = _FILE.match(line)
    if not found:
        return None
    offset = found["offset"]
    if offset and offset.startswith(" (0x"):
        below = _BELOW.match(near.after())
        return [spot(found, "go", function=below["function"] if below else None)]
    function = _function(near.before())
    if not offset and not (found["path"].endswith((".go", ".s")) and (function or _in_test_trace(near))):
        return None
    return [spot(found, "go", function=function)]


def _function(line: str) -> str | None:
    found = next((one for pattern in _ROWS if (one := pattern.search(line))), None)
    return found["function"] if found else None


def _in_test_trace(near: Near) -> bool:
    """After its first file testify goes on with others."""
    return any(_TRACED.match(near.before(back)) for back in range(1, 6))
