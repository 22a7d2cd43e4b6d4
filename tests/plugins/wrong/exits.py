"""Ends the process while it is imported, where it is the first to be imported."""

import sys

from .right import Right

if sys.argv[0] == "-c":
    sys.exit(3)


class Gone(Right):
    """Never seen."""
