"""Rate limits of keys."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scmhost.infra import rates
from scmhost.infra.rates import RateLimits, TooManyRequests


class FakeClock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def allowed(limits: RateLimits, key: int, times: int, most: int = 3) -> list[bool]:
    """Whether each of several requests is allowed."""
    answers = []
    for _ in range(times):
        try:
            limits.check("token", key, most)
            answers.append(True)
        except TooManyRequests:
            answers.append(False)
    return answers


def test_a_key_has_the_requests_of_a_minute_at_once_and_then_one_at_a_time() -> None:
    """A third of a minute refills a third of the bucket; refused requests take nothing, and other keys are not hurt."""
    clock = FakeClock()
    limits = RateLimits(clock)
    assert allowed(limits, 1, 5) == [True, True, True, False, False]
    assert allowed(limits, 2, 1) == [True]
    clock.now += 19.9
    assert allowed(limits, 1, 1) == [False]
    clock.now += 0.1
    assert allowed(limits, 1, 2) == [True, False]
    clock.now += 3_600
    assert allowed(limits, 1, 4) == [True, True, True, False]


def test_the_error_names_the_time_after_which_the_next_request_is_allowed() -> None:
    """The number is whole seconds, at least one, and a request after it is allowed."""
    clock = FakeClock()
    limits = RateLimits(clock)
    allowed(limits, 1, 3)
    clock.now += 5.5
    with pytest.raises(TooManyRequests, match=r"with this token; try again in 15 s") as caught:
        limits.check("token", 1, 3)
    assert caught.value.retry_after == 15
    clock.now += caught.value.retry_after
    assert allowed(limits, 1, 1) == [True]


def test_kinds_of_keys_are_apart() -> None:
    """A token and the key of a redirect may have the same id."""
    limits = RateLimits(FakeClock())
    assert allowed(limits, 1, 4) == [True, True, True, False]
    limits.check("key", 1, 3)


def test_number_of_buckets_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bucket that was used longest ago is dropped, and counts as full."""
    monkeypatch.setattr(rates, "_MOST_BUCKETS", 2)
    limits = RateLimits(FakeClock())
    for key in (1, 2, 1, 3):
        allowed(limits, key, 3)
    assert len(limits._full_at) == 2
    assert [allowed(limits, key, 1) for key in (1, 3, 2)] == [[False], [False], [True]]


@given(st.integers(1, 100_000), st.lists(st.floats(0, 90), max_size=60))
def test_no_minute_has_more_than_the_limit_and_what_was_saved(most: int, pauses: list[float]) -> None:
    """However the requests come, no more are allowed than the bucket held and what flowed in since."""
    clock = FakeClock()
    limits, passed = RateLimits(clock), 0
    for pause in pauses:
        clock.now += pause
        passed += sum(allowed(limits, 1, 3, most))
        assert passed <= most + (clock.now - 1_000.0) * most / 60 + 1e-3
