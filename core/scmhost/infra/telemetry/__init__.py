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
class Operation:
    """A measured piece of work, from its beginning to its end.

    Attributes:
        kind: the kind of work.
        labels: what the work is about. The values must come from closed lists, because each combination becomes a time
            series.
        headers: the request's headers, which may contain the trace of the caller.
        outcome: ``ok``, or a word from a closed list.
        fault: whether the outcome counts as an error.
        seconds: the duration, known at the end.
        trace_id: the id of the trace that the operation belongs to, if there is one.
    """

    kind: Kind
    labels: dict[str, str]
    headers: RawHeaders = field(default=(), repr=False)
    outcome: str = "ok"
    fault: bool = False
    seconds: float = 0.0
    trace_id: str | None = None

    def end(self, outcome: str, *, fault: bool = False) -> None:
        """Set the outcome."""
        self.outcome, self.fault = outcome, fault


class Sink(Protocol):
    """Receives all operations and counts."""

    def begin(self, operation: Operation) -> Callable[[], None]:
        """Called when an operation begins, in its thread. The returned function is called there at the end."""

    def count(self, counter: str, numbers: Mapping[str, int]) -> None:
        """Add numbers to a counter, by outcome."""


class Telemetry:
    """The sinks of one process. Without a sink, an operation costs next to nothing."""

    def __init__(self, *sinks: Sink, metrics: "Metrics | None" = None) -> None:
        self.metrics = metrics
        self._sinks = sinks if metrics is None else (*sinks, metrics)
        self.on = bool(self._sinks)

    @contextmanager
    def operation(self, kind: Kind, headers: RawHeaders = (), /, **labels: str) -> Iterator[Operation]:
        """Measure the ``with`` block. The block may set the outcome; an exception sets it to the exception's type."""
        operation = Operation(kind, labels, headers)
        # Hooks are called thousands of times a second, so this path must cost almost nothing.
        if not self.on:
            yield operation
            return
        ends = [sink.begin(operation) for sink in self._sinks]
        begun = perf_counter()
        succeeded = False
        try:
            yield operation
            succeeded = True
        finally:
            # An outcome that the block has set is more precise than the type of an exception.
            if not succeeded and operation.outcome == "ok":
                operation.end(type(sys.exception()).__name__, fault=True)
            operation.seconds = perf_counter() - begun
            # In reverse order: a sink may have entered a context that encloses those of the later sinks.
            for end in reversed(ends):
                end()

    def count(self, counter: str, numbers: Mapping[str, int]) -> None:
        """Add numbers to a counter, by outcome. The outcomes must come from a closed list."""
        for sink in self._sinks:
            sink.count(counter, numbers)


NO_TELEMETRY: Final = Telemetry()
"""Measures nothing."""


class TelemetryMissing(ScmhostError):
    """The settings enable something that is not installed."""


def check_telemetry(*, spans: bool) -> None:
    """Check that what the settings enable is installed.

    Raises:
        TelemetryMissing: it is not; the text has the command that installs it.
    """
    if spans and not _is_installed("opentelemetry-api"):
        raise TelemetryMissing(
            "host.spans.enabled is true, but OpenTelemetry is not installed; "
            "install it (pip install 'scmhost[otel]' opentelemetry-distro), or switch spans off"
        )


def open_telemetry(*, metrics: bool, spans: bool) -> Telemetry:
    """Return the telemetry with the sinks that the settings enable.

    Raises:
        TelemetryMissing: one of them is not installed.
    """
    check_telemetry(spans=spans)
    sinks: list[Sink] = []
    # Imported late: OpenTelemetry is optional, and the Prometheus client slows the start of every command.
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
