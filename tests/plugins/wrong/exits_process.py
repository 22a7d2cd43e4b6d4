"""Ends the process while it is imported in the suite's own process."""

import sys

from .correct import Correct

if sys.argv[0] == "-c":
    sys.exit(3)


class ExitsProcess(Correct):
    """A correct plugin otherwise."""
