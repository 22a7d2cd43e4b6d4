"""What the host says about each plugin, whatever is wrong with it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from pydantic import JsonValue

from .admission import Admitted
from .breakers import Suspension
from .discovery import Candidate
from .errors import BadPlugin, HostError, PluginFault
from .hiding import shown
from .speakers import MOST_THREADS

State = Literal["off", "ready", "suspended", "broken", "incompatible"]


@dataclass(frozen=True, slots=True)
class PluginReport:
    """A plugin's state and why. One that is neither ready nor suspended has no hooks and no providers.

    It is suspended while any of its hooks is; its other hooks are called as ever. Secrets among its settings are
    hidden.
    """

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
    suspensions: tuple[Suspension, ...] = ()
    api_range: str | None = None
    settings: Mapping[str, JsonValue] = field(default_factory=dict)


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
        api_range=plugin.candidate.api_range,
        settings=shown(plugin.settings[""]),
    )


def as_of_now(report: PluginReport, suspensions: Sequence[Suspension], threads: int) -> PluginReport:
    """The report of a plugin that is ready, with what has shown since: hooks suspended now, threads that it keeps."""
    if report.state != "ready":
        return report
    if threads > MOST_THREADS:
        note = f"it keeps {threads} threads that it started; its author should end them, or share a pool of a few"
        report = replace(report, notes=(*report.notes, note))
    own = tuple(item for item in suspensions if item.plugin == report.name)
    if not own:
        return report
    reason = "; ".join(f"{item.hook} is {item.told}" for item in own)
    return replace(report, state="suspended", reason=reason, suspensions=own)


def refused(candidate: Candidate, fault: Exception) -> PluginReport:
    """The report of a plugin that did not pass."""
    state = fault.state if isinstance(fault, BadPlugin) else "broken"
    return _not_ready(candidate, state, _told(candidate, fault))


def _told(candidate: Candidate, fault: Exception) -> str:
    whose = f"plugin {candidate.name!r} ({candidate.where})"
    if isinstance(fault, PluginFault):
        return f"{whose}, {fault.hook}: {fault.detail}{_AT_ADMISSION.get((fault.hook, fault.kind), '')}"
    # What a plugin raises on purpose does not say whose it is.
    return str(fault) if isinstance(fault, HostError) else f"{whose}: it says on purpose that it cannot start: {fault}"


_DEFINE: Final = "; a module may only define things when it is imported: move what it does into scm_startup"
_AT_ADMISSION: Final = {
    ("import", "raised"): "; its author must mend it, or something is missing on this machine",
    ("import", "exited"): _DEFINE,
    ("import", "timed_out"): _DEFINE,
}


def off(candidate: Candidate, reason: str) -> PluginReport:
    """The report of a plugin that is not to be loaded."""
    return _not_ready(candidate, "off", reason)


def _not_ready(candidate: Candidate, state: State, reason: str) -> PluginReport:
    """What its metadata says, without an import."""
    return PluginReport(
        candidate.name, candidate.distribution, candidate.version, state, reason, api_range=candidate.api_range
    )


def with_note(report: PluginReport, note: str | None) -> PluginReport:
    """A report with one more thing to say, if there is one."""
    return replace(report, notes=(*report.notes, note)) if note else report


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(names)))
