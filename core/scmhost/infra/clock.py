"""The clock that use cases get as an argument, and times in UTC."""

from datetime import UTC, datetime
from typing import Protocol


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
