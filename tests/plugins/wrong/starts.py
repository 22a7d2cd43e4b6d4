"""Starts a thread while it is imported, where it is the first to be imported."""

import sys
import time
from threading import Thread

from .right import Right

if sys.argv[0] == "-c":
    Thread(target=time.sleep, args=(60,), daemon=True).start()


class Busy(Right):
    """Has begun already."""
