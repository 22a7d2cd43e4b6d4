"""The sinks that an operator asked for. What is not asked for is not imported."""

from importlib.metadata import PackageNotFoundError, version

from scmhost.kernel.errors import ScmhostError

from .acts import Sink
from .telling import Telemetry


class TelemetryMissing(ScmhostError):
    """The settings ask for something that is not installed."""


def check_telemetry(*, traces: bool) -> None:
    """Do nothing, when what is asked for is there.

    Raises:
        TelemetryMissing: it is not; the text says how to install it.
    """
    if traces and not _is_installed("opentelemetry-api"):
        raise TelemetryMissing(
            "host.traces.enabled is true, but OpenTelemetry is not installed; "
            "install it (pip install 'scmhost[otel]' opentelemetry-distro), or switch traces off"
        )


def open_telemetry(*, metrics: bool, traces: bool) -> Telemetry:
    """What tells the sinks that are asked for.

    Raises:
        TelemetryMissing: one of them is not installed.
    """
    check_telemetry(traces=traces)
    sinks: list[Sink] = []
    if traces:
        from .traces import Traces

        sinks.append(Traces())
    if not metrics:
        return Telemetry(*sinks)
    from .metrics import Metrics

    return Telemetry(*sinks, metrics=Metrics())


def _is_installed(distribution: str) -> bool:
    try:
        version(distribution)
    except PackageNotFoundError:
        return False
    return True
