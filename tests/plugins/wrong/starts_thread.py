"""Starts a thread while it is imported in the suite's own process."""

import sys
import time
from threading import Thread

from .correct import Correct

if sys.argv[0] == "-c":
    Thread(target=time.sleep, args=(60,), daemon=True).start()


class StartsThread(Correct):
    """A correct plugin otherwise."""
