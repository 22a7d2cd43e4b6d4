"""What an operator sees of the plugins: what they are, how they are, and what they did in this process."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue

from scmhost.infra.errors import NotFound
from scmhost.organizations import queries as organization_queries
from scmhost.organizations.tokens import Caller
from scmhost.plugins import Count, PluginReport, Suspension
from scmhost.plugins.config.redaction import settings_of_unloaded, with_environment_names
from scmhost.plugins.errors import did_you_mean
from scmhost.services import Services


@dataclass(frozen=True, slots=True)
class ShownPlugin:
    """A plugin's report, its settings without secrets, and the calls of this process by hook.

    Steps of the host, such as ``import``, stand among the hooks where they ran the plugin's code.
    """

    report: PluginReport
    settings: Mapping[str, JsonValue]
    counts: Mapping[str, Count]


def is_operator(services: Services, caller: Caller) -> bool:
    """Whether the caller's organization may see the host itself: the only one may, of several those that are named.

    A token is of one organization, the plugins are of all: without a word of the operator's, one tenant's admin would
    read settings and traffic that are of the others too.
    """
    if services.operators:
        return caller.organization.slug in services.operators or caller.organization.id in services.operators
    with services.store.read() as tx:
        return organization_queries.is_only_organization(tx)


def list_plugins(services: Services) -> list[ShownPlugin]:
    """Every plugin that is installed or named, by name."""
    counts = services.plugins.counts
    return [_shown(services, report, counts) for report in services.plugins.plugins]


def find_plugin(services: Services, name: str) -> ShownPlugin:
    """One plugin.

    Raises:
        NotFound: none of this name is installed or named.
    """
    found = {shown.report.name: shown for shown in list_plugins(services)}
    if name not in found:
        raise NotFound(f"No plugin {name[:50]!r} is installed or named; {did_you_mean(name, found)}")
    return found[name]


def described(shown: ShownPlugin) -> dict[str, JsonValue]:
    """A plugin as the API and ``--json`` tell it."""
    report = shown.report
    return {
        "name": report.name,
        "distribution": report.distribution,
        "version": report.version,
        "apiRange": report.api_range,
        "state": report.state,
        "reason": report.reason,
        "notes": list(report.notes),
        "providers": list(report.providers),
        "features": list(report.features),
        "importMs": None if report.import_ms is None else round(report.import_ms, 1),
        "settings": dict(shown.settings),
        "hooks": [_hook(name, count) for name, count in shown.counts.items()],
        "suspensions": [_suspension(item) for item in report.suspensions],
    }


def _shown(services: Services, report: PluginReport, counts: Mapping[tuple[str, str], Count]) -> ShownPlugin:
    own = {hook: count for (plugin, hook), count in counts.items() if plugin == report.name}
    hooks = dict.fromkeys(report.hooks, Count()) | own
    loaded = report.state in ("ready", "suspended")
    written = services.plugins.settings.of(report.name).settings
    settings = with_environment_names(report.settings, written) if loaded else settings_of_unloaded(written)
    return ShownPlugin(report, settings, dict(sorted(hooks.items())))


def _hook(name: str, count: Count) -> dict[str, JsonValue]:
    return {
        "name": name,
        "calls": count.calls,
        "faults": count.faults,
        "refusals": count.refusals,
        "unavailable": count.unavailable,
        "slowestMs": round(count.slowest * 1000, 3),
    }


def _suspension(item: Suspension) -> dict[str, JsonValue]:
    return {
        "hook": item.hook,
        "since": _utc(item.since),
        "nextTry": _utc(item.next_try),
        "faults": item.faults,
        "lastFault": item.last_fault,
    }


def _utc(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
