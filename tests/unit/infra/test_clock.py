"""Time."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from scmhost.infra.clock import SystemClock, in_utc


def test_the_machine_clock_tells_utc() -> None:
    """Moments from the machine's clock are in UTC and do not go back."""
    first, second = SystemClock().now(), SystemClock().now()
    assert (first.tzinfo, second.tzinfo) == (UTC, UTC)
    assert second - first >= timedelta(0)


def test_moments_are_put_into_utc() -> None:
    """An offset is taken off; without one a moment is in UTC already, and one outside the calendar is none."""
    east = timezone(timedelta(hours=2))
    assert in_utc(datetime(2024, 5, 6, 7, tzinfo=east)) == in_utc(datetime(2024, 5, 6, 5))  # noqa: DTZ001 - the point
    with pytest.raises(ValueError, match="outside the years 1 to 9999"):
        in_utc(datetime(1, 1, 1, tzinfo=east))
