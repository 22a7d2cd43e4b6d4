"""Operations reach every sink, with their outcome."""

from collections.abc import Callable, Mapping

import pytest

from scmhost.infra.telemetry import NO_TELEMETRY, Operation, Telemetry


class RecordingSink:
    """Records the received data as text."""

    def __init__(self, name: str, received: list[str]) -> None:
        self._name = name
        self._received = received

    def begin(self, operation: Operation) -> Callable[[], None]:
        self._received.append(f"{self._name} begins {operation.kind}")
        return lambda: self._received.append(f"{self._name} ends {operation.outcome} {operation.fault}")

    def count(self, counter: str, numbers: Mapping[str, int]) -> None:
        self._received.append(f"{self._name} counts {counter} {dict(numbers)}")


def test_sinks_end_in_reverse_order() -> None:
    """The sink that begins first ends last, because spans and contexts must be nested."""
    received: list[str] = []
    telemetry = Telemetry(RecordingSink("a", received), RecordingSink("b", received))
    with telemetry.operation("links"):
        telemetry.count("frames", {"linked": 2})
    assert received == [
        "a begins links",
        "b begins links",
        "a counts frames {'linked': 2}",
        "b counts frames {'linked': 2}",
        "b ends ok False",
        "a ends ok False",
    ]


@pytest.mark.parametrize("error", [KeyError, KeyboardInterrupt])
def test_an_exception_is_the_outcome(error: type[BaseException]) -> None:
    """An operation that raises is a fault with the exception's type; the exception reaches the caller."""
    received: list[str] = []
    with pytest.raises(error), Telemetry(RecordingSink("a", received)).operation("job", job="x"):
        raise error
    assert received[-1] == f"a ends {error.__name__} True"


def refused(telemetry: Telemetry) -> None:
    """A call that a plugin refuses on purpose."""
    with telemetry.operation("hook", plugin="p", hook="h") as operation:
        operation.end("refused")
        raise KeyError


def test_an_outcome_that_was_set_is_kept() -> None:
    """An exception does not replace the outcome that the block has set."""
    received: list[str] = []
    with pytest.raises(KeyError):
        refused(Telemetry(RecordingSink("a", received)))
    assert received[-1] == "a ends refused False"


def test_operations_need_no_sink() -> None:
    """Without a sink nothing is measured, and the block runs."""
    with NO_TELEMETRY.operation("ingest") as operation:
        NO_TELEMETRY.count("commits", {"new": 1})
    assert (NO_TELEMETRY.on, operation.seconds) == (False, 0.0)
