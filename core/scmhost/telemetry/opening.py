"""The sinks that an operator asked for. What is not asked for is not imported."""

from importlib.metadata import PackageNotFoundError, version

from scmhost.kernel.errors import ScmhostError

from .acts import Sink
from .telling import Telemetry


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
        from .spans import Spans

        sinks.append(Spans())
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
