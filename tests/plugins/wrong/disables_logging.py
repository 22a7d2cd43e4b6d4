"""Disables the logs of the process while it is imported."""

import logging
import sys

from .correct import Correct

# The suite imports the plugin itself too; only its fresh process has no pytest.
if "pytest" not in sys.modules:
    logging.disable(logging.CRITICAL)


class DisablesLogging(Correct):
    """A correct plugin otherwise."""
