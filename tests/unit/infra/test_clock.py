"""The clock, and times in UTC."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from scmhost.infra.clock import SystemClock, in_utc


def test_system_clock_is_in_utc() -> None:
    """Times of the system clock are in UTC and do not go back."""
    first, second = SystemClock().now(), SystemClock().now()
    assert (first.tzinfo, second.tzinfo) == (UTC, UTC)
    assert second - first >= timedelta(0)


def test_times_are_converted_to_utc() -> None:
    """A time without an offset is in UTC already; one that UTC has no date for is refused."""
    east = timezone(timedelta(hours=2))
    assert in_utc(datetime(2024, 5, 6, 7, tzinfo=east)) == in_utc(datetime(2024, 5, 6, 5))  # noqa: DTZ001 - the point
    with pytest.raises(ValueError, match="outside the years 1 to 9999"):
        in_utc(datetime(1, 1, 1, tzinfo=east))
