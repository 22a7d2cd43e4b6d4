"""What the host says about each plugin, whatever is wrong with it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from .admission import Admitted
from .discovery import Candidate
from .errors import BadPlugin, HostError

State = Literal["off", "ready", "broken", "incompatible"]


@dataclass(frozen=True, slots=True)
class PluginReport:
    """A plugin's state and why. A plugin that is not ready has no hooks and no providers."""

    name: str
    distribution: str | None
    version: str | None
    state: State
    reason: str
    hooks: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    import_ms: float | None = None
    notes: tuple[str, ...] = ()


def ready(plugin: Admitted) -> PluginReport:
    """The report of a plugin that may be called."""
    return PluginReport(
        name=plugin.candidate.name,
        distribution=plugin.candidate.distribution,
        version=plugin.candidate.version,
        state="ready",
        reason="passed every check",
        hooks=tuple(sorted(plugin.implementations)),
        providers=tuple(sorted(provider.key for provider in plugin.providers)),
        features=_distinct(feature.value for provider in plugin.providers for feature in provider.features),
        import_ms=plugin.import_ms,
        notes=plugin.notes,
    )


def refused(candidate: Candidate, fault: Exception) -> PluginReport:
    """The report of a plugin that did not pass."""
    state = fault.state if isinstance(fault, BadPlugin) else "broken"
    # What a plugin raises on purpose does not say whose it is.
    reason = str(fault) if isinstance(fault, HostError) else f"plugin {candidate.name!r} ({candidate.where}): {fault}"
    return PluginReport(candidate.name, candidate.distribution, candidate.version, state, reason)


def off(candidate: Candidate, reason: str) -> PluginReport:
    """The report of a plugin that is not to be loaded."""
    return PluginReport(candidate.name, candidate.distribution, candidate.version, "off", reason)


def with_note(report: PluginReport, note: str | None) -> PluginReport:
    """A report with one more thing to say, if there is one."""
    return replace(report, notes=(*report.notes, note)) if note else report


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(names)))
