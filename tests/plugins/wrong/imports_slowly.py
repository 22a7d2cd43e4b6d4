"""Takes more than 100 ms to import."""

import time

from .correct import Correct

time.sleep(0.11)


class ImportsSlowly(Correct):
    """A correct plugin otherwise."""
