"""How much time a running hook has left."""

import math
from contextvars import ContextVar
from time import monotonic
from typing import Final

DEADLINE: Final[ContextVar[float]] = ContextVar("scmhost_deadline", default=math.inf)
"""When the budget of the I/O hook that runs now ends, by ``time.monotonic``. The host and the suite set it."""


def remaining_seconds() -> float:
    """Return how long the I/O hook that runs now may still take, in seconds; 0 when its budget is used up.

    Pass it as the timeout of requests, so that several of them stay within the budget together. Outside of an I/O hook
    it is infinite.
    """
    return max(0.0, DEADLINE.get() - monotonic())
