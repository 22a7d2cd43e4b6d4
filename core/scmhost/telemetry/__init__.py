"""What the host tells of its own work while it works: to nobody, to Prometheus, to OpenTelemetry."""

from .acts import Act, Kind, Sink
from .opening import TelemetryMissing, check_telemetry, open_telemetry
from .telling import SILENT, Telemetry

__all__ = [
    "SILENT",
    "Act",
    "Kind",
    "Sink",
    "Telemetry",
    "TelemetryMissing",
    "check_telemetry",
    "open_telemetry",
]
