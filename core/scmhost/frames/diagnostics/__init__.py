"""Places that compilers, linters and test runners print without a stack, and the order in which they read a line.

A diagnostic is read like a frame, by a ``Notation`` whose spans have the kind "diagnostic". Only lines that no notation
of a stack trace understands are offered to them. Most forms are rows in the ``FORMS`` of a family, and ``PLACES`` reads
a line with all of them. A new form is such a row, and cases in ``tests/cases/diagnostics``.
"""

from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import MatchSpan, Pattern
from scmhost.frames.notation import ContextLines, Notation

from . import grouped, tool_forms
from .common_forms import IN_BRACKETS, IN_WORDS, WITH_COLON
from .forms import FormTable, read_forms

FORMS: Final = (*tool_forms.FORMS, *IN_WORDS, *WITH_COLON, *IN_BRACKETS)
"""Of two places at the same position, that of the first form counts."""
# Every form of a line in words has the end of the word "line", and every other one a number behind a sign.
_ALL_FORMS: Final = FormTable(FORMS)
_FORMS_WITHOUT_WORDS: Final = FormTable((*tool_forms.FORMS, *WITH_COLON, *IN_BRACKETS))
_NUMBERED: Final = Pattern(r"[:#(\[@] ?[L(\[]?\d| \d{1,9}:\d")


def _read(line: str, context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read the places of a line, and one in brackets that the reader took for the name of a thread."""
    table = _ALL_FORMS if "ine" in line else _FORMS_WITHOUT_WORDS if _NUMBERED.search(line) else None
    spans = table.read(line) if table else []
    if "]" in context.prefix and _PLACE_IN_PREFIX.search(context.prefix):
        shift = len(context.prefix)
        before = read_forms(WITH_COLON, context.prefix)
        spans = [*(span._replace(start=span.start - shift, end=span.end - shift) for span in before), *spans]
    return spans or None


_PLACE_IN_PREFIX: Final = Pattern(r"\w:\d{1,9}[\]:]")
PLACES: Final = Notation("places", (), _read)

DIAGNOSTICS: Final[tuple[Notation, ...]] = (grouped.GROUPED, grouped.KEYED, PLACES)
"""The first one that understands a line reads it."""
