"""Looks for the smallest input that breaks a law; Hypothesis does the work."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis.errors import Flaky
from hypothesis.strategies import SearchStrategy

from .breaches import Breach

T = TypeVar("T")


def for_all(drawn: SearchStrategy[T], check: Callable[[T], None], examples: int, first: Iterable[T] = ()) -> None:
    """Check chosen values, and then many drawn ones; which ones these are follows from the loaded code alone.

    Raises:
        Breach: the one with the smallest input.
    """

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        report_multiple_bugs=False,
        phases=(Phase.explicit, Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
    )
    @given(drawn)
    def run(value: T) -> None:
        check(value)

    for chosen in first:
        check(chosen)
    try:
        run()
    except Flaky as flaky:
        raise _first_breach(flaky) from None


def _first_breach(flaky: Flaky) -> BaseException:
    """A plugin that answers now so and now so breaks a law only sometimes; the breach that was seen is told."""
    inner = getattr(flaky, "exceptions", ())
    return next((one for one in inner if isinstance(one, Breach)), flaky)
