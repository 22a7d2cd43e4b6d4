"""Hosts with sample plugins, and arguments for their hooks."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from scmhost.plugins import Candidate, PluginHost, PluginReport, PluginSettings, Settings
from scmhost.sdk import HOOK_SPECS, HookSpec, Installation, Location, Organization, Repository

ACME = Organization(id=1, slug="acme", name="Acme")
REPOSITORY = Repository(id=5, organization_id=1, name="app", created_at=datetime(2026, 1, 2, tzinfo=UTC))
INSTALLATION = Installation(id=3, organization_id=1, provider="good_forge", name="forge", external_id="1")
LOCATION = Location(ref="main", ref_kind="branch", path="here.py", line=3)

START = datetime(2026, 1, 1, tzinfo=UTC)
"""The time at which the clock of a test starts."""

GOOD = "plugins.good_forge"


def candidate(name: str, value: str = GOOD, *, distribution: str = "", api_range: str | None = ">=1.0,<2") -> Candidate:
    """Return a plugin as if it were installed; its code is in tests/plugins."""
    return Candidate(name, value, distribution or f"acme-{name}", "1.2", api_range)


def enabled(**more: Any) -> PluginSettings:
    """Return the settings of a plugin that is loaded and on for all organizations."""
    return PluginSettings.model_validate({"enabled": True, "default": True, **more})


def budget(seconds: float) -> Mapping[str, HookSpec]:
    """Return all hooks with this budget."""
    return {name: replace(spec, budget=seconds) for name, spec in HOOK_SPECS.items()}


@contextmanager
def host_of(entries: Mapping[str, str], settings: Settings | None = None, **terms: Any) -> Iterator[PluginHost]:
    """Open a host with these plugins, by name and entry point. By default all are enabled."""
    chosen = settings or Settings(plugins={name: enabled() for name in entries})
    host = PluginHost.open(chosen, candidates=[candidate(name, value) for name, value in entries.items()], **terms)
    try:
        yield host
    finally:
        host.close()


@contextmanager
def logged() -> Iterator[list[dict[str, Any]]]:
    """Yield a list of the plugin host's log lines inside the block: each has its event and its fields."""
    lines: list[dict[str, Any]] = []
    logger = logging.getLogger("scmhost.plugins")
    handler = _Lines(lines)
    logger.addHandler(handler)
    try:
        yield lines
    finally:
        logger.removeHandler(handler)


class _Lines(logging.Handler):
    """A handler that keeps log lines in a list."""

    def __init__(self, lines: list[dict[str, Any]]) -> None:
        super().__init__(logging.WARNING)
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        fields = {name: value for name, value in vars(record).items() if name not in _STANDARD_FIELDS}
        self._lines.append({"event": record.getMessage(), **fields})


_STANDARD_FIELDS = frozenset({*vars(logging.makeLogRecord({})), "message", "asctime"})


def report_of(host: PluginHost, name: str) -> PluginReport:
    """Return the report of one plugin."""
    return next(report for report in host.plugins if report.name == name)


class SettableClock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.time = START

    def now(self) -> datetime:
        return self.time

    def turn(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)
