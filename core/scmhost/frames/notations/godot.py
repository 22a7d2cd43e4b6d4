"""Godot: errors of GDScript, its backtraces and its debugger, in versions 3 and 4."""

from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import LINE, MatchSpan, Pattern, language_of, match_span
from scmhost.frames.notation import ContextLines, Notation

_PATH: Final = r"(?P<path>(?:res|user)://[^:()\n]{1,300}|[^\s:()\"'<>]{1,300}\.gd)"
_FORMS: Final = (
    # In this order: version 4; its debugger; version 3 with and without a function.
    Pattern(rf"(?:at: |\[\d{{1,6}}\] )?(?P<function>\S[^()\n]{{0,200}}) \({_PATH}:{LINE}\)$"),
    Pattern(rf"(?:<[A-Za-z ]{{1,30}}> ?|E [\d:]{{3,30}} +)?{_PATH}:{LINE} @ (?P<function>[^\s(:]{{1,200}})\(\)"),
    Pattern(rf"(?:- )?{_PATH}:{LINE} - at function: (?P<function>\S{{1,200}})"),
    Pattern(rf"At: {_PATH}:{LINE}(?P<function>(?!))?\.?$"),
)
_PARSE_ERROR: Final = Pattern(rf"{_PATH}:{LINE} - (?P<message>Parse Error: .*)")


def _read(line: str, _context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``at: total (res://scripts/cart.gd:12)``, and ``At: res://scripts/cart.gd:12.`` of version 3."""
    if error := _PARSE_ERROR.match(line):
        return [match_span(error, "gdscript", kind="diagnostic")]
    match = next((match for form in _FORMS if (match := form.match(line))), None)
    if not match:
        return None
    language = language_of(match["path"], "gdscript", "csharp", "cpp")
    return [match_span(match, language, function=match["function"])]


GODOT: Final = Notation("godot", ("res://", "user://", ".gd:"), _read)
