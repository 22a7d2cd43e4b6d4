"""Rate limits: how many requests a key may make in a minute, in each process."""

import time
from typing import Final

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from .errors import ScmhostError


class TooManyRequests(ScmhostError):
    """A key has made too many requests. ``retry_after`` is in seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Too many requests with this key; try again in {retry_after} s.")
        self.retry_after = retry_after


class RateLimits:
    """Counts the requests of each key in the last minute; safe to use from many threads."""

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def check(self, kind: str, key: str, most: int) -> None:
        """Count a request of a key, of which there may be ``most`` in a minute.

        Raises:
            TooManyRequests: there were as many already. This one does not count.
        """
        limit: Final = RateLimitItemPerMinute(most, namespace=kind)
        if not self._limiter.hit(limit, key):
            reset = self._limiter.get_window_stats(limit, key).reset_time
            raise TooManyRequests(max(1, round(reset - time.time())))
