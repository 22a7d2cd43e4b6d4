"""Telling of work, whoever listens."""

from collections.abc import Callable, Mapping

import pytest

from scmhost.infra.telemetry import SILENT, Act, Telemetry


class Listener:
    """Writes down what it is told."""

    def __init__(self, name: str, told: list[str]) -> None:
        self._name = name
        self._told = told

    def begin(self, act: Act) -> Callable[[], None]:
        self._told.append(f"{self._name} begins {act.kind}")
        return lambda: self._told.append(f"{self._name} ends {act.outcome} {act.fault}")

    def count(self, what: str, numbers: Mapping[str, int]) -> None:
        self._told.append(f"{self._name} counts {what} {dict(numbers)}")


def test_sinks_are_told_inside_out() -> None:
    """What the first one opens is closed last, as spans and contexts need it."""
    told: list[str] = []
    telemetry = Telemetry(Listener("a", told), Listener("b", told))
    with telemetry.act("links"):
        telemetry.count("frames", {"linked": 2})
    assert told == [
        "a begins links",
        "b begins links",
        "a counts frames {'linked': 2}",
        "b counts frames {'linked': 2}",
        "b ends ok False",
        "a ends ok False",
    ]


@pytest.mark.parametrize("error", [KeyError, KeyboardInterrupt])
def test_an_exception_is_an_outcome_and_goes_on(error: type[BaseException]) -> None:
    """Work that ends by an exception is told as a fault with its type; the exception reaches the caller."""
    told: list[str] = []
    with pytest.raises(error), Telemetry(Listener("a", told)).act("job", job="x"):
        raise error
    assert told[-1] == f"a ends {error.__name__} True"


def refused(telemetry: Telemetry) -> None:
    """A call that a plugin refuses on purpose."""
    with telemetry.act("hook", plugin="p", hook="h") as act:
        act.end("refused")
        raise KeyError


def test_what_was_said_of_the_outcome_stays() -> None:
    """Whoever knows better than the exception's type has the word."""
    told: list[str] = []
    with pytest.raises(KeyError):
        refused(Telemetry(Listener("a", told)))
    assert told[-1] == "a ends refused False"


def test_without_sinks_work_goes_on_untold() -> None:
    """Nobody need listen."""
    with SILENT.act("ingest") as act:
        SILENT.count("commits", {"new": 1})
    assert (SILENT.on, act.seconds) == (False, 0.0)
