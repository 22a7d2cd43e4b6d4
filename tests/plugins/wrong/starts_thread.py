"""Starts a thread while it is imported in the suite's own process."""

import sys
import time
from threading import Thread

from .correct import Correct

# The suite imports the plugin itself too; only its fresh process has no pytest.
if "pytest" not in sys.modules:
    Thread(target=time.sleep, args=(60,), daemon=True).start()


class StartsThread(Correct):
    """A correct plugin otherwise."""
