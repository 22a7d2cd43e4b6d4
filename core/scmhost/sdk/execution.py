"""How much time a running hook has left, and reading an answer within it."""

import math
from contextvars import ContextVar
from time import monotonic
from typing import Final, Protocol

DEADLINE: Final[ContextVar[float]] = ContextVar("scmhost_deadline", default=math.inf)
"""When the budget of the I/O hook that runs now ends, by ``time.monotonic``. The host and the suite set it."""


def remaining_seconds() -> float:
    """Return how long the I/O hook that runs now may still take, in seconds; 0 when its budget is used up.

    Pass it as the timeout of requests, so that several of them stay within the budget together. Outside of an I/O hook
    it is infinite.
    """
    return max(0.0, DEADLINE.get() - monotonic())


class ByteStream(Protocol):
    """An answer of ``urllib``, or another binary stream."""

    def read1(self, size: int, /) -> bytes:
        """Return at least one byte as soon as there is one, and at most ``size``; empty at the end."""


def read_answer(answer: ByteStream, most_bytes: int) -> bytes:
    """Return the whole body of an answer, such as that of ``urlopen``, within the time that the hook has left.

    The timeout of a client is usually that of each read: a code host that sends a byte from time to time would keep the
    hook for ever.

    Raises:
        TimeoutError: the hook has no time left.
        ValueError: the body has more than ``most_bytes``.
    """
    body = b""
    while piece := answer.read1(most_bytes + 1 - len(body)):
        body += piece
        if len(body) > most_bytes:
            raise ValueError(f"the answer has more than {most_bytes:,} bytes")
        if not remaining_seconds():
            raise TimeoutError("the answer did not end in time")
    return body
