"""Go: panics, dumps of goroutines, pkg/errors, zap, gin, Delve and testify."""

from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import LINE, ROOT, MatchSpan, Pattern, match_span
from scmhost.frames.notation import ContextLines, Notation

_PATH: Final = rf"(?P<path>(?:{ROOT}|[A-Za-z]:)?[^\s:\"'(\[<][^:\"'\n]{{0,1000}}"
# Generators such as goyacc, Ragel and templ name their own sources in //line directives.
_FILE: Final = Pattern(
    rf"(?:at )?{_PATH}\.(?:go|s|S|c|y|rl|peg|templ)):{LINE}(?P<offset> \+0x[0-9a-f]+\b.*| \(0x[0-9a-f]+\))?$"
)
_CREATED: Final = Pattern(r"created by (?P<function>\S+)(?: in goroutine \d+)?$")
_DELVE: Final = Pattern(r"(?<!\d)\d{1,6}\s+0x[0-9a-f]{1,16} in (?P<function>\S+)$")
_CALL: Final = Pattern(r"(?<![^\s()\"'=])(?P<function>[^\s()\"'=]*(?:\(\*?[^()\s]*\)[^\s()]*)?)\([^()]*\)$")
# pkg/errors and zap print the function without arguments.
_NAME: Final = Pattern(r"(?<!\S)(?P<function>[\w./~%-]{1,300}\.[\w.()*\[\]/-]{1,300})$")
_FUNCTIONS: Final = (_CREATED, _DELVE, _CALL, _NAME)
# Of packages for errors: tracerr and oops, eris, palantir's stacktrace; and where Delve stops.
_ONE_LINE: Final = (
    Pattern(rf"(?:--- at )?{_PATH}\.go):{LINE} (?P<function>[\w./*()\[\]-]{{2,300}}\(\))$"),
    Pattern(
        rf"(?P<function>[\w/*()\[\]-][\w./*()\[\]-]{{1,300}}):(?P<path>(?:[A-Za-z]:)?[\\/][^:\n]{{1,1000}}\.go):{LINE}$"
    ),
    Pattern(rf"--- at {_PATH}\.go):{LINE} \((?P<function>[^\s]{{1,300}})\) ---$"),
    Pattern(rf"(?P<function>[^\s]{{1,300}})\(\) {_PATH}\.go):{LINE} \((?:hits |PC: )"),
)
_TRACED: Final = Pattern(rf"Error Trace:\s+{_PATH}\.go):{LINE}$")
# gin prints the function below its file: "main.total: return prices[3]".
_BELOW: Final = Pattern(r"(?P<function>[^\s:]{2,300}): ")


def _read(line: str, context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``/srv/app/main.go:12 +0x1d``; the function is on the line above, with gin on the line below."""
    if traced := _TRACED.match(line):
        return [match_span(traced, "go")]
    match = _FILE.match(line)
    if not match:
        one = next((match for pattern in _ONE_LINE if (match := pattern.match(line))), None)
        return [match_span(one, "go", function=one["function"].removesuffix("()"))] if one else None
    offset = match["offset"]
    if offset and offset.startswith(" (0x"):
        below = _BELOW.match(context.after())
        return [match_span(match, "go", function=below["function"] if below else None)]
    # Some logs put an empty line between all lines.
    function = _function(context.before() or context.before(2))
    if not offset and not (match["path"].endswith((".go", ".s")) and (function or _in_test_trace(context))):
        return None
    return [match_span(match, "go", function=function)]


def _function(line: str) -> str | None:
    match = next((match for pattern in _FUNCTIONS if (match := pattern.search(line))), None)
    return match["function"] if match else None


def _in_test_trace(context: ContextLines) -> bool:
    """Return whether an "Error Trace:" of testify is above; its further files have no mark of their own."""
    return any(_TRACED.match(context.before(back)) for back in range(1, 6))


GO: Final = Notation("go", (".go:", " +0x", ".s:"), _read)
