"""The base of the tables of plugins.toml, and those of the server and its telemetry."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Table(BaseModel):
    """Base of all tables of the file: frozen, without unknown keys and without conversion between types."""

    # Strict and closed: a misspelled key or ``"true"`` in quotes must not silently turn a plugin off.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


class MetricsSettings(Table):
    """``[host.metrics]``."""

    enabled: bool = Field(default=False, description="Enables `GET /metrics` in Prometheus format.")


class SpansSettings(Table):
    """``[host.spans]``."""

    enabled: bool = Field(default=False, description="Creates OpenTelemetry spans for requests and plugin calls.")


class ServerSettings(Table):
    """``[server]``: how ``scmhost serve`` listens. Its options and the environment override the file."""

    host: str = Field(default="127.0.0.1", min_length=1, description="Address to listen on; `0.0.0.0`: all.")
    port: int = Field(default=8000, ge=0, le=65_535, description="Port to listen on.")
    workers: int = Field(default=1, ge=1, le=64, description="Worker processes.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Lowest level that is logged; `debug` has health probes."
    )
    forwarded_allow_ips: str = Field(
        default="127.0.0.1,::1",
        description="Addresses of proxies, with commas, whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.",
    )
