"""Operations that are measured, and the sinks (Prometheus, OpenTelemetry) that receive them."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from time import perf_counter
from typing import TYPE_CHECKING, Final, Literal, Protocol

from scmhost.infra.errors import ScmhostError

if TYPE_CHECKING:
    from .metrics import Metrics


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


class Telemetry:
    """The sinks of one process. Without any, telling costs next to nothing."""

    def __init__(self, *sinks: Sink, metrics: "Metrics | None" = None) -> None:
        self.metrics = metrics
        self._sinks = sinks if metrics is None else (*sinks, metrics)
        self.on = bool(self._sinks)

    @contextmanager
    def act(self, kind: Kind, headers: RawHeaders = (), /, **labels: str) -> Iterator[Act]:
        """Tell of the work that is done inside the ``with`` block, which may say what became of it."""
        act = Act(kind, labels, headers)
        if not self.on:
            yield act
            return
        ends = [sink.begin(act) for sink in self._sinks]
        begun = perf_counter()
        came_through = False
        try:
            yield act
            came_through = True
        finally:
            if not came_through and act.outcome == "ok":
                act.end(type(sys.exception()).__name__, fault=True)
            act.seconds = perf_counter() - begun
            for end in reversed(ends):
                end()

    def count(self, what: str, numbers: Mapping[str, int]) -> None:
        """Tell that there were so many things more, by what became of them: words of a closed list."""
        for sink in self._sinks:
            sink.count(what, numbers)


SILENT: Final = Telemetry()
"""Tells nobody."""


class TelemetryMissing(ScmhostError):
    """The settings ask for something that is not installed."""


def check_telemetry(*, spans: bool) -> None:
    """Do nothing, when what is asked for is there.

    Raises:
        TelemetryMissing: it is not; the text says how to install it.
    """
    if spans and not _is_installed("opentelemetry-api"):
        raise TelemetryMissing(
            "host.spans.enabled is true, but OpenTelemetry is not installed; "
            "install it (pip install 'scmhost[otel]' opentelemetry-distro), or switch spans off"
        )


def open_telemetry(*, metrics: bool, spans: bool) -> Telemetry:
    """What tells the sinks that are asked for.

    Raises:
        TelemetryMissing: one of them is not installed.
    """
    check_telemetry(spans=spans)
    sinks: list[Sink] = []
    if spans:
        from scmhost.infra.telemetry.spans import Spans

        sinks.append(Spans())
    if not metrics:
        return Telemetry(*sinks)
    from scmhost.infra.telemetry.metrics import Metrics

    return Telemetry(*sinks, metrics=Metrics())


def _is_installed(distribution: str) -> bool:
    try:
        version(distribution)
    except PackageNotFoundError:
        return False
    return True
