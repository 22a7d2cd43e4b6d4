"""Times as they are kept."""

from datetime import UTC, datetime


def utc(moment: datetime) -> datetime:
    """In UTC; a time without an offset is taken to be in UTC already.

    Raises:
        ValueError: there is no such time in UTC.
    """
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("it is out of range in UTC") from None
