"""Rate limits of tokens and keys."""

from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scmhost.infra import clock
from scmhost.infra.clock import SystemClock
from scmhost.infra.errors import TooManyRequests
from scmhost.infra.settings import Limits
from scmhost.organizations.access import limit_rate
from scmhost.services import Services


class Requests:
    """Requests of keys, at times that the test sets."""

    def __init__(self) -> None:
        self.now = 1_000.0
        nothing = cast("Any", None)
        self.services = Services(nothing, nothing, SystemClock(), Limits())

    def send(self, key: int, most: int = 3, kind: str = "token") -> None:
        """Send a request at the present time."""
        limit_rate(self.services, kind, key, most, clock=lambda: self.now)

    def __call__(self, key: int, times: int, most: int = 3) -> list[bool]:
        """Whether each of several requests is allowed."""
        answers = []
        for _ in range(times):
            try:
                self.send(key, most)
                answers.append(True)
            except TooManyRequests:
                answers.append(False)
        return answers


def test_a_key_has_the_requests_of_a_minute_at_once_and_then_one_at_a_time() -> None:
    """A third of a minute refills a third of the bucket; refused requests take nothing, and other keys are not hurt."""
    requests = Requests()
    assert requests(1, 5) == [True, True, True, False, False]
    assert requests(2, 1) == [True]
    requests.now += 9
    assert requests(1, 1) == [False]
    requests.now += 11
    assert requests(1, 2) == [True, False]
    requests.now += 3_600
    assert requests(1, 4) == [True, True, True, False]


def test_the_error_names_the_time_after_which_the_next_request_is_allowed() -> None:
    """The number is whole seconds, and a request after it is allowed."""
    requests = Requests()
    requests(1, 3)
    requests.now += 5.5
    with pytest.raises(TooManyRequests, match=r"of this token; try again in 15 s") as caught:
        requests.send(1)
    assert caught.value.retry_after == 15
    requests.now += caught.value.retry_after
    assert requests(1, 1) == [True]


def test_kinds_of_keys_are_apart() -> None:
    """A token and the key of a redirect may have the same id."""
    requests = Requests()
    assert requests(1, 4) == [True, True, True, False]
    requests.send(1, kind="key")


def test_number_of_buckets_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """When there are too many, all keys start again with a full one."""
    monkeypatch.setattr(clock, "_MOST_BUCKETS", 2)
    requests = Requests()
    for key in range(50):
        requests(key, 3)
        assert len(requests.services.buckets) <= 2


@given(st.integers(1, 100_000), st.lists(st.floats(0, 90), max_size=60))
def test_no_more_are_allowed_than_the_bucket_held_and_what_flowed_in(most: int, pauses: list[float]) -> None:
    """This holds however the requests come; and one that waited for its share is allowed."""
    requests, passed, elapsed = Requests(), 0, 0.0
    for pause in pauses:
        requests.now += pause
        elapsed += pause
        passed += sum(requests(1, 3, most))
        assert passed <= most + elapsed * most / 60 + 1
    requests.now += 60 / most + 0.001
    assert requests(1, 1, most) == [True]
