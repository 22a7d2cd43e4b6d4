"""Time."""

from datetime import UTC, timedelta

from scmhost.kernel.clock import SystemClock


def test_the_machine_clock_tells_utc() -> None:
    """Moments from the machine's clock are in UTC and do not go back."""
    first, second = SystemClock().now(), SystemClock().now()
    assert (first.tzinfo, second.tzinfo) == (UTC, UTC)
    assert second - first >= timedelta(0)
