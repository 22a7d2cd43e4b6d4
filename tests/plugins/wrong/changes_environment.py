"""Sets an environment variable of the process while it is imported."""

import os
import sys

from .correct import Correct

# The suite imports the plugin itself too; only its fresh process has no pytest.
if "pytest" not in sys.modules:
    os.environ["NO_PROXY"] = "*"


class ChangesEnvironment(Correct):
    """A correct plugin otherwise."""
