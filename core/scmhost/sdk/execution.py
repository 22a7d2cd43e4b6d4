"""How much time a running hook has left."""

import math
from contextvars import ContextVar
from time import monotonic
from typing import Final

_DEADLINE: Final[ContextVar[float]] = ContextVar("scmhost_deadline", default=math.inf)


def remaining_seconds() -> float:
    """Return how long the I/O hook that runs now may still take, in seconds; 0 when its budget is used up.

    Pass it as the timeout of requests, so that several of them stay within the budget together. Outside of an I/O hook
    it is infinite.
    """
    return max(0.0, _DEADLINE.get() - monotonic())


def start_budget(seconds: float) -> None:
    """Set the deadline of the current context. The host and the conformance suite call this before an I/O hook."""
    _DEADLINE.set(monotonic() + seconds)
