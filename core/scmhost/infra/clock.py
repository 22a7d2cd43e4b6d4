"""Time comes in as an argument, and is kept in UTC."""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """The present moment, in UTC."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


def in_utc(moment: datetime) -> datetime:
    """A moment in UTC; one without an offset is taken to be in UTC already.

    Raises:
        ValueError: it is outside the years that there are.
    """
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"time {moment.isoformat()} is outside the years 1 to 9999 in UTC") from None
