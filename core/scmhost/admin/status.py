"""The state of this process as operators see it: readiness, and every plugin with its calls."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal

import structlog
from pydantic import JsonValue

from scmhost.infra.db.schema import SchemaState, SchemaStatus
from scmhost.infra.errors import NotFound, ScmhostError
from scmhost.infra.loops import Loops
from scmhost.organizations import queries as organization_queries
from scmhost.plugins import Count, PluginReport, Suspension
from scmhost.plugins.config.redaction import settings_of_unloaded, with_environment_names
from scmhost.plugins.isolation.circuit_breaker import Pause
from scmhost.sdk.validation import did_you_mean
from scmhost.services import Services

if TYPE_CHECKING:
    # It imports FastAPI, which commands do not need.
    from scmhost.organizations.access import Caller


log = structlog.get_logger(__name__)

DatabaseState = Literal["ok", "unreachable", "not_migrated", "newer"]


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether this process can answer requests, and what an operator should check besides.

    Neither a failing plugin nor an invalid plugins.toml makes the process unready: it works with what it has, and
    another process would be no better.

    Attributes:
        database: whether it answers, with tables that this version can serve.
        schema: the revisions of the tables and of the code that can serve them; None if the database does not answer.
        fault: why the database cannot be used, in a public sentence, if more is known than its state.
        generation: how many times this process has applied settings.
        stale_since: since when plugins.toml is invalid, so that older settings are in use; None while it is valid.
        plugins: the number of plugins by state.
        suspended: the names of the suspended plugins.
        stuck: a sentence for each background loop that makes no progress.
    """

    database: DatabaseState
    schema: SchemaStatus | None
    generation: int
    stale_since: datetime | None
    plugins: Mapping[str, int]
    suspended: tuple[str, ...]
    stuck: tuple[str, ...]
    fault: str | None = None

    @property
    def ready(self) -> bool:
        """Whether requests can be answered, and the background work is done."""
        return self.database == "ok" and not self.stuck

    @property
    def detail(self) -> str | None:
        """The reason why it is not ready, or None. It is public: it contains neither addresses nor users."""
        if self.stuck:
            return "Background work is stuck: " + "; ".join(self.stuck) + "."
        return self.fault or _DATABASE_DETAILS.get(self.database)


_DATABASE_DETAILS: Final[Mapping[DatabaseState, str]] = {
    "unreachable": "The database does not answer; see the log of this process.",
    "not_migrated": "The database's tables are not those of this version; run `scmhost migrate`.",
    "newer": "The database's tables are of a newer version, which this one cannot serve; install that version, or "
    "restore a backup from before the upgrade.",
}


def readiness(services: Services) -> Readiness:
    """Check the database, the plugins and the background loops."""
    reports = services.plugins.plugins
    status = services.plugins.configuration_status
    schema, fault = _schema_status(services)
    return Readiness(
        database=_DATABASE_STATES.get(schema.state, "not_migrated") if schema else "unreachable",
        schema=schema,
        generation=status.generation,
        stale_since=status.stale_since,
        plugins=Counter(report.state for report in reports),
        suspended=tuple(report.name for report in reports if report.state == "suspended"),
        stuck=tuple(services.shared(Loops).stuck),
        fault=fault,
    )


_DATABASE_STATES: Final[Mapping[SchemaState, DatabaseState]] = {"current": "ok", "compatible": "ok", "newer": "newer"}


def _schema_status(services: Services) -> tuple[SchemaStatus | None, str | None]:
    try:
        services.store.check()
        return services.store.schema_status(), None
    except ScmhostError as error:
        # The text may contain the address of the database, and /readyz is public: it stays in the log.
        log.warning("not ready", error=str(error))
        return None, error.public


@dataclass(frozen=True, slots=True)
class PluginStatus:
    """A plugin's report, its settings without secrets, its calls in this process by hook, and its pauses.

    Among the hooks are the steps in which the host ran the plugin's code, such as ``import``.
    """

    report: PluginReport
    settings: Mapping[str, JsonValue]
    counts: Mapping[str, Count]
    pauses: tuple[Pause, ...] = ()


def is_operator(services: Services, caller: "Caller") -> bool:
    """Return whether the caller's organization may see the whole host.

    Plugins belong to the host, tokens to one organization: otherwise the administrator of one tenant could read
    settings and traffic of the others. So the file names the operators; a single organization needs no such entry.
    """
    if services.operators:
        return caller.organization.slug in services.operators or caller.organization.id in services.operators
    with services.store.read() as tx:
        return organization_queries.is_only_organization(tx)


def list_plugins(services: Services) -> list[PluginStatus]:
    """Return every plugin that is installed or configured, by name."""
    counts = services.plugins.counts
    return [_plugin_status(services, report, counts) for report in services.plugins.plugins]


def find_plugin(services: Services, name: str) -> PluginStatus:
    """Return one plugin.

    Raises:
        NotFound: no plugin of this name is installed or configured.
    """
    plugins = {plugin.report.name: plugin for plugin in list_plugins(services)}
    if name not in plugins:
        # The name comes from a URL and may have any length.
        raise NotFound(f"No plugin {name[:50]!r} is installed or configured; {did_you_mean(name, plugins)}")
    return plugins[name]


def plugin_record(plugin: PluginStatus) -> dict[str, JsonValue]:
    """Return a plugin as the API and ``--json`` show it."""
    report = plugin.report
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
        "settings": dict(plugin.settings),
        "hooks": [_hook_record(name, count) for name, count in plugin.counts.items()],
        "suspensions": [_suspension_record(item) for item in report.suspensions],
        "pauses": [
            {"provider": pause.provider, "integrationId": str(pause.installation_id), "seconds": pause.seconds}
            for pause in plugin.pauses
        ],
    }


def _plugin_status(services: Services, report: PluginReport, counts: Mapping[tuple[str, str], Count]) -> PluginStatus:
    own = {hook: count for (plugin, hook), count in counts.items() if plugin == report.name}
    # Hooks without a call are listed too, so that a plugin that is never used shows.
    hooks = dict.fromkeys(report.hooks, Count()) | own
    written = services.plugins.settings.of(report.name).settings
    # Only a loaded plugin has a schema that marks its secrets; otherwise every value is treated as one.
    if report.state in ("ready", "suspended"):
        settings = with_environment_names(report.settings, written)
    else:
        settings = settings_of_unloaded(written)
    pauses = tuple(pause for pause in services.plugins.pauses if pause.provider in report.providers)
    return PluginStatus(report, settings, dict(sorted(hooks.items())), pauses)


def _hook_record(name: str, count: Count) -> dict[str, JsonValue]:
    return {
        "name": name,
        "calls": count.calls,
        "faults": count.faults,
        "refusals": count.refusals,
        "unavailable": count.unavailable,
        "slowestMs": round(count.slowest * 1000, 3),
    }


def _suspension_record(item: Suspension) -> dict[str, JsonValue]:
    return {
        "hook": item.hook,
        "since": _utc(item.since),
        "nextTry": _utc(item.next_try),
        "faults": item.faults,
        "lastFault": item.last_fault,
    }


def _utc(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
