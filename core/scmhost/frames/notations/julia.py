"""Julia: stack traces of all versions, logged messages, failed tests, and the traces of signals."""

import re
from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import LINE, LINE_COLUMN, MatchSpan, Pattern, language_of, match_span, without_arguments
from scmhost.frames.notation import ContextLines, Notation

_PATH: Final = r"(?P<path>(?:[A-Za-z]:(?=[\\/]))?[^\s:\"'<>|()@][^:\"<>|()@\n]{0,300}\.jl)"
# " @ Shop ./cart.jl:12" since 1.6; the module is missing at the top level and in parse errors.
_PLACED: Final = Pattern(rf"@ (?P<placed>(?:(?P<module>[A-Za-z_][^\s/\\:]{{0,200}}) )?){_PATH}:{LINE_COLUMN}")
_AT: Final = Pattern(rf"at (?<!\wat )(?P<placed>){_PATH}:{LINE_COLUMN}(?P<module>(?!))?")
_LOADING: Final = Pattern(rf"while loading {_PATH}, in expression starting on line {LINE}")
_C_FILE: Final = rf"(?P<path>/[^\s:]{{1,300}}\.(?:c|h|cpp|inc)):{LINE}"
_RUNTIME: Final = Pattern(rf"(?P<symbol>[^\W_]{{0,20}}_?jl_[\w.]{{1,200}}) at {_C_FILE}(?: \[inlined\])?$")
_COMPILED: Final = Pattern(rf"(?P<symbol>[\w.]{{1,200}}) at {_C_FILE}(?P<inlined> \[inlined\])?$")
# The lines around a frame of compiled code in the trace of a signal.
_SIGNALLED: Final = Pattern(
    r"in expression starting at |(?:\S{1,300}|macro expansion|top-level scope) at \S{1,300}"
    r"(?: \[inlined\]| \(unknown line\))?$"
)
_NUMBERED: Final = Pattern(r".{0,200}?\[\d{1,6}\] +(?P<symbol>\S.{0,2000})$")
_CLOSURE: Final = Pattern(r"\(::.{1,400}?\)(?=\()")
_SYMBOL: Final = Pattern(
    r"(?:\[\d{1,6}\] +|in )?(?P<symbol>top-level scope|macro expansion|(?:\(::.{1,400}?\))?"
    r"[^\s(]{0,300}[^\s(:](?:\(.{0,2000}\))?)"
    r"(?: in [A-Z][\w.]{0,100})?$"
)
_REPEATED: Final = Pattern(r" \(repeats \d{1,9} times\)$")


def _read(line: str, context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``[1] total(x::Cart) @ Shop ./cart.jl:12``, and ``total(::Cart) at ./cart.jl:12`` before 1.6.

    Since 1.6 the function is usually on the line above:

        [1] total(x::Cart)
          @ Shop ~/shop/src/cart.jl:12
    """
    matches = [*_PLACED.finditer(line)] or [*_AT.finditer(line)]
    if matches:
        first, *others = matches
        symbol = _SYMBOL.match(line[: first.start()].rstrip()) if first.start() else _above(context)
        return [_span(first, _function(symbol)), *(_span(match, None) for match in others)]
    if loading := _LOADING.search(line):
        return [match_span(loading, "julia")]
    runtime = _RUNTIME.match(line)
    if not runtime and (compiled := _COMPILED.match(line)):
        runtime = compiled if compiled["inlined"] or _SIGNALLED.match(context.before()) else None
    return (
        [match_span(runtime, language_of(runtime["path"], "c", "cpp"), function=runtime["symbol"])] if runtime else None
    )


def _span(match: re.Match[str], function: str | None) -> MatchSpan:
    return match_span(match, "julia", function=function, module=match["module"])


def _function(match: re.Match[str] | None) -> str | None:
    if not match or match["symbol"] in ("└", "Error", "Warning"):
        return None
    closure = _CLOSURE.match(match["symbol"])
    return closure.group() if closure else without_arguments(_REPEATED.sub("", match["symbol"]))


def _above(context: ContextLines) -> re.Match[str] | None:
    """Return the numbered symbol on the line above; the number may look like a part of a log's prefix."""
    return _NUMBERED.match(context.with_prefix(1).rstrip()) if context.before() else None


JULIA: Final = Notation("julia", (".jl", " [inlined]", "jl_", " at /"), _read)
