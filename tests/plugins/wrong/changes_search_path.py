"""Adds a folder to the search path of the process while it is imported."""

import sys

from .correct import Correct

# The suite imports the plugin itself too; only its fresh process has no pytest.
if "pytest" not in sys.modules:
    sys.path.insert(0, "/opt/forge")


class ChangesSearchPath(Correct):
    """A correct plugin otherwise."""
