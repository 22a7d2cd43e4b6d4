"""The pieces of work that are told, and whoever listens."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

Kind = Literal["request", "hook", "ingest", "links", "job"]

RawHeaders = Iterable[tuple[bytes, bytes]]


@dataclass(slots=True)
class Act:
    """One piece of work, from its beginning to its end.

    Attributes:
        kind: what kind of work it is.
        labels: what it is about. Only words from closed lists may stand here: they become names of time series.
        headers: those of the request, from which a trace may be continued.
        outcome: ``ok``, or in one word what became of it.
        fault: whether somebody is to be blamed for the outcome.
        seconds: how long it took; known at its end.
        trace_id: the trace that it is part of, if there is one.
    """

    kind: Kind
    labels: dict[str, str]
    headers: RawHeaders = field(default=(), repr=False)
    outcome: str = "ok"
    fault: bool = False
    seconds: float = 0.0
    trace_id: str | None = None

    def end(self, outcome: str, *, fault: bool = False) -> None:
        """Say what became of it."""
        self.outcome, self.fault = outcome, fault


class Sink(Protocol):
    """Somebody who is told of all acts."""

    def begin(self, act: Act) -> Callable[[], None]:
        """Called when an act begins, in its own thread; what it gives is called there when the act has ended."""

    def count(self, what: str, numbers: Mapping[str, int]) -> None:
        """So many things more, by what became of them."""
