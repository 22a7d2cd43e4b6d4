"""Places that compilers, linters and test runners print without a stack, and the order in which they read a line.

A diagnostic is read like a frame, by a ``Notation`` whose spans have the kind "diagnostic". Only lines that no notation
of a stack trace understands are offered to them. Most forms are rows in the ``FORMS`` of a family, and ``PLACES`` reads
a line with all of them. A new form is such a row, and cases in ``tests/cases/diagnostics``.
"""

from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import MatchSpan
from scmhost.frames.notation import ContextLines, Notation

from . import annotations, grouped, keyed, line_words, parenthesised, path_line, words_of_tools
from .forms import read_forms

FORMS: Final = (*words_of_tools.FORMS, *line_words.FORMS, *path_line.FORMS, *parenthesised.FORMS)
"""Of two places at the same position, that of the first form counts."""


def _read(line: str, _context: ContextLines) -> Sequence[MatchSpan] | None:
    return read_forms(FORMS, line) or None


PLACES: Final = Notation("places", (":", "(", "line", "Line", "[", "#"), _read)

DIAGNOSTICS: Final[tuple[Notation, ...]] = (annotations.ANNOTATIONS, grouped.GROUPED, keyed.KEYED, PLACES)
"""The first one that understands a line reads it."""
