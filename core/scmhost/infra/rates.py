"""Rate limits: how many requests a key may make in a minute, in each process."""

import time
from collections.abc import Callable
from math import ceil
from threading import Lock
from typing import Final

from cachetools import LRUCache

from .errors import ScmhostError

_MINUTE: Final = 60.0
# A bucket that is dropped counts as full again. The ones that are used are never the oldest of so many.
_MOST_BUCKETS: Final = 10_000


class TooManyRequests(ScmhostError):
    """A key has made too many requests. ``retry_after`` is in seconds."""

    def __init__(self, kind: str, retry_after: int) -> None:
        super().__init__(f"Too many requests with this {kind}; try again in {retry_after} s.")
        self.retry_after = retry_after


class RateLimits:
    """A token bucket for each key; safe to use from many threads.

    A bucket holds the requests of a minute, and fills up evenly. It is stored as one number: the time at which it is
    full again.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._full_at: LRUCache[tuple[str, int], float] = LRUCache(_MOST_BUCKETS)
        self._lock = Lock()

    def check(self, kind: str, key: int, most: int) -> None:
        """Take a request of a key from its bucket, of which there may be ``most`` in a minute.

        Raises:
            TooManyRequests: the bucket is empty. This request does not count.
        """
        now = self._clock()
        with self._lock:
            full_at = max(self._full_at.get((kind, key), now), now) + _MINUTE / most
            wait = full_at - now - _MINUTE
            # Less than a microsecond is a rounding error of the sum.
            if wait > 1e-6:  # noqa: PLR2004
                raise TooManyRequests(kind, ceil(wait))
            self._full_at[kind, key] = full_at
