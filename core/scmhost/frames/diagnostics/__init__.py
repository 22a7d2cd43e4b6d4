"""Places that compilers, linters and test runners print without a stack, and the order in which they read a line.

A diagnostic is read like a frame, by a ``Notation`` whose spans have the kind "diagnostic". Only lines that no notation
of a stack trace understands are offered to them.
"""

from typing import Final

from scmhost.frames.notation import Notation

from . import path_line

DIAGNOSTICS: Final[tuple[Notation, ...]] = (path_line.PATH_LINE,)
"""The first form that understands a line reads it."""
