"""Takes its time while it is imported."""

import time

from .right import Right

time.sleep(0.11)


class Slow(Right):
    """At last."""
