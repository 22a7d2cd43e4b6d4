"""The clock that use cases get as an argument, times in UTC, and token buckets, which fill up with time."""

from datetime import UTC, datetime
from typing import Final, Protocol


class Clock(Protocol):
    """A source of the current time. Tests pass one that they set."""

    def now(self) -> datetime:
        """Return the current time in UTC."""


class SystemClock:
    """The clock of the machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)


def in_utc(moment: datetime) -> datetime:
    """Return a time in UTC. A time without an offset is in UTC already.

    Raises:
        ValueError: in UTC it is outside the years 1 to 9999.
    """
    if moment.tzinfo is UTC:
        return moment
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    # An offset can move the first and the last day of the calendar out of it.
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"time {moment.isoformat()} is outside the years 1 to 9999 in UTC") from None


# So that memory is bounded. Without its bucket a key starts again with a full one.
_MOST_BUCKETS: Final = 10_000


class TokenBuckets:
    """The token buckets of rate limits in this process, by the kind and the id of a key.

    A bucket is full at first, and fills up in a fixed period. All quantities are the seconds that it takes to fill them
    in again, so that one number describes a bucket: the time at which it is full.
    """

    def __init__(self) -> None:
        self._full_at: dict[tuple[str, int], float] = {}

    def __len__(self) -> int:
        return len(self._full_at)

    def used(self, key: tuple[str, int], now: float) -> float:
        """Return how much of a bucket is used up."""
        return max(0.0, self._full_at.get(key, now) - now)

    def take(self, key: tuple[str, int], seconds: float, now: float) -> None:
        """Take from a bucket, even more than it holds."""
        full_at = max(self._full_at.get(key, now), now) + seconds
        if len(self._full_at) >= _MOST_BUCKETS:
            self._full_at.clear()
        self._full_at[key] = full_at
