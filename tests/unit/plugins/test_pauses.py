"""Pauses that a code host asks for."""

import pytest

from hosting import INSTALLATION, REPOSITORY, host_of
from plugins import historian
from scmhost.plugins.isolation.circuit_breaker import LONGEST_PAUSE, Pause, Pauses, seconds_of
from scmhost.sdk import ProviderError, ProviderUnavailable, RateLimited

OTHER = INSTALLATION.model_copy(update={"id": 4})


class Ticks:
    """A monotonic clock that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (RateLimited("slow down", 30), 30),
        (RateLimited("slow down"), 60),
        (RateLimited("slow down", 0.2), 1),
        (ProviderUnavailable("down", retry_after=5), 5),
        (ProviderUnavailable("down"), None),
        (ProviderError("wrong"), None),
        (KeyError("x"), None),
        (RateLimited("x", 0), None),
        (RateLimited("x", -5), None),
        (RateLimited("x", float("nan")), None),
        (RateLimited("x", float("inf")), LONGEST_PAUSE),
        (RateLimited("x", 10**400), LONGEST_PAUSE),
        (RateLimited("x", retry_after=True), None),
        (RateLimited("x", "5"), None),  # type: ignore[arg-type]
    ],
)
def test_seconds_that_a_host_asks_for(error: BaseException, seconds: int | None) -> None:
    """Whole seconds, at most a day; anything else is no pause."""
    assert seconds_of(error) == seconds


def test_pause_refuses_calls_of_one_installation_until_it_is_over() -> None:
    """Other installations go on; a shorter pause does not end a longer one."""
    clock = Ticks()
    pauses = Pauses(clock)
    pauses.check(INSTALLATION)
    pauses.note(INSTALLATION, RateLimited("slow down", 30))
    pauses.note(INSTALLATION, RateLimited("slow down", 10))
    with pytest.raises(RateLimited, match="asked to wait 30 s more") as refusal:
        pauses.check(INSTALLATION)
    assert refusal.value.retry_after == 30
    pauses.check(OTHER)
    assert pauses.all() == (Pause("good_forge", 3, 30),)
    clock.now += 30
    pauses.check(INSTALLATION)
    assert pauses.all() == ()


def test_error_without_a_time_begins_no_pause() -> None:
    """Then each call decides for itself, and the circuit breaker counts."""
    pauses = Pauses()
    pauses.note(INSTALLATION, ProviderUnavailable("down"))
    assert pauses.all() == ()


def test_limited_installation_is_not_called_again() -> None:
    """After the first limit, no I/O hook of the plugin is called for the installation."""
    installation = INSTALLATION.model_copy(update={"provider": "historian"})
    historian.requests.clear()
    with host_of({"historian": "plugins.historian"}) as host:
        calls = host.calls("historian")
        assert calls is not None
        with pytest.raises(RateLimited, match="100 requests"):
            calls.compare_commits(installation, REPOSITORY, None, historian.LIMITED)
        with pytest.raises(RateLimited, match="asked to wait"):
            calls.compare_commits(installation, REPOSITORY, None, "main")
        assert len(historian.requests) == 1
        assert [pause.installation_id for pause in host.pauses] == [3]
