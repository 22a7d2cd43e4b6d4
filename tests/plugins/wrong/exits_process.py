"""Ends the process while it is imported in the suite's own process."""

import sys

from .correct import Correct

# The suite imports the plugin itself too; only its fresh process has no pytest.
if "pytest" not in sys.modules:
    sys.exit(3)


class ExitsProcess(Correct):
    """A correct plugin otherwise."""
