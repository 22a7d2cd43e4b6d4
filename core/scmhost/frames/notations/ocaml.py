"""OCaml: backtraces, uncaught exceptions, and the places that its compiler, Dune and Alcotest print."""

from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import MatchSpan, Pattern, match_span
from scmhost.frames.notation import ContextLines, Notation

_FILE: Final = (
    r"\\{0,3}\"(?P<path>[^\"\\\n]{1,500}(?:\\{1,2}[^\"\\\n]{1,300}){0,30})\\{0,3}\"(?: \(inlined\))?,"
    r" lines? (?P<line>\d{1,9})(?!\d)(?:-\d{1,9})?, characters? (?P<column>\d{1,9})(?!\d)"
)
_BACKTRACE: Final = Pattern(
    r"(?:Raised at|Called from|Re-raised at|Raised by primitive operation at)"
    rf" (?:(?P<function>\S{{1,500}}) in )?file {_FILE}"
)
_PLACE: Final = Pattern(rf"File {_FILE}")
_ASSERTED: Final = Pattern(r"Assert_failure (?P<path>[^\s:\"()]{1,300}\.mli?):(?P<line>\d{1,9}):(?P<column>\d{1,9})")
_RAISED: Final = Pattern(
    r"(?:Assert_failure|Match_failure)\(\"(?P<path>[^\"\n]{1,300})\", (?P<line>\d{1,9}), (?P<column>\d{1,9})\)"
)


def _read(line: str, _context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``Called from Shop.total in file "src/cart.ml", line 12, characters 5-20``."""
    frames = [match_span(match, "ocaml", function=match["function"]) for match in _BACKTRACE.finditer(line)]
    if frames:
        return frames
    places = [match_span(match, "ocaml", kind="diagnostic") for match in _PLACE.finditer(line)]
    if places:
        return places
    raised = _ASSERTED.search(line) or _RAISED.search(line)
    return [match_span(raised, "ocaml")] if raised else None


OCAML: Final = Notation("ocaml", (", character", "Assert_failure", "Match_failure"), _read)
