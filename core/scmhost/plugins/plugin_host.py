"""The plugins of a running host: calls by provider, notifications of all, and exchange when settings change."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Lock
from typing import Any, Final, Self

from cachetools import FIFOCache

from scmhost.infra.clock import Clock, SystemClock
from scmhost.infra.telemetry import NO_TELEMETRY, Telemetry
from scmhost.plugins.validation import ValidatedPlugin, Validator
from scmhost.sdk import HOOK_SPECS, Command, HookSpec, Organization, Provider, ProviderError

from .calls import ProviderCalls
from .config.schema import Settings
from .credentials import NO_CREDENTIALS, CredentialStore
from .discovery import Candidate, discover
from .errors import HostError, PluginFault, ProviderOff
from .flag_rules import FlagDecision, Question, Step, decide, with_suspensions
from .isolation.circuit_breaker import CircuitBreaker, Count, Pause, Suspension
from .isolation.guard import Guard
from .loading import IMPORT_SECONDS
from .registry import PluginReport, RegistrySnapshot
from .reloader import RegistryReloader, own_arguments

_log = logging.getLogger(__name__)

MAX_DECISIONS: Final = 100_000
"""How many decisions are cached."""

DecisionKey = tuple[int, str, int, str]
"""The number of the registry snapshot, the provider's key, and the organization's id and slug."""


@dataclass(frozen=True, slots=True)
class ConfigurationStatus:
    """The state of plugins.toml in one process.

    Attributes:
        file: the path of the file.
        sha256: of the bytes that are in use; None without a file. Workers that agree have the same.
        generation: how many times this process has applied settings; 1 at the start.
        loaded_at: when it applied those that are in use.
        stale_since: since when the file cannot be used, so that older settings are in use; None while it can.
        error: why it cannot be used.
        restart_for: changed keys that take effect after a restart.
    """

    file: str
    sha256: str | None
    generation: int
    loaded_at: datetime
    stale_since: datetime | None = None
    error: str | None = None
    restart_for: tuple[str, ...] = ()


class PluginHost:
    """The plugins of one process. Created by ``open``; safe to use from many threads."""

    def __init__(
        self,
        settings: Settings,
        guard: Guard,
        reloader: RegistryReloader,
        clock: Clock,
        max_decisions: int = MAX_DECISIONS,
        *,
        serving: bool = True,
    ) -> None:
        self._serving = serving
        self._guard = guard
        self._reloader = reloader
        self._clock = clock
        self._reload_lock = Lock()
        self._names: dict[str, str] = {}
        self._decisions: FIFOCache[DecisionKey, FlagDecision] = FIFOCache(max_decisions)
        self._decision_lock = Lock()
        # Kept to find keys whose change needs a restart, also after several reloads.
        self._settings_at_start = settings
        # Readers take this reference once per call, so that they need no lock while it is replaced.
        self._snapshot = reloader.first(settings)
        self._status = self._new_status()

    @classmethod
    def open(  # noqa: PLR0913 - all but the settings are parts that a test replaces
        cls,
        settings: Settings,
        *,
        candidates: Sequence[Candidate] | None = None,
        specs: Mapping[str, HookSpec] = HOOK_SPECS,
        import_seconds: float = IMPORT_SECONDS,
        clock: Clock | None = None,
        telemetry: Telemetry = NO_TELEMETRY,
        serving: bool = True,
        credentials: CredentialStore = NO_CREDENTIALS,
    ) -> Self:
        """Find, import and check the plugins that the settings enable. Never raises because of a plugin.

        A process that serves also starts them, and notifies them at its end. A command only looks at them.
        """
        clock = clock or SystemClock()
        # One guard for all snapshots: a reload must not reset circuits, counts and workers.
        breaker = CircuitBreaker(settings.breaker, clock)
        guard = Guard(breaker, telemetry=telemetry, outbound=settings.host.outbound.policy)
        installed = discover if candidates is None else lambda: candidates
        reloader = RegistryReloader(
            guard, Validator(guard, specs, import_seconds), installed, credentials, serving=serving
        )
        return cls(settings, guard, reloader, clock, serving=serving)

    @property
    def plugins(self) -> tuple[PluginReport, ...]:
        """Reports of all plugins by name, with the hooks that are suspended and the calls that are overdue now."""
        overdue, suspensions, newer = self._guard.report_overdue(), self.suspensions, self._reloader.newer
        # Added at read time: the reports of a snapshot are immutable.
        noted = (report.with_note(newer.get(report.name)) for report in self._snapshot.reports)
        return tuple(report.as_of_now(suspensions, overdue) for report in noted)

    @property
    def suspensions(self) -> tuple[Suspension, ...]:
        """The suspended hooks, by plugin and hook."""
        return self._guard.suspensions()

    @property
    def pauses(self) -> tuple[Pause, ...]:
        """The installations whose code host asked this process to wait."""
        return self._guard.pauses.all()

    @property
    def counts(self) -> dict[tuple[str, str], Count]:
        """Calls, faults and the slowest call so far, by plugin and hook."""
        return self._guard.counters.all()

    @property
    def configuration_status(self) -> ConfigurationStatus:
        """The state of plugins.toml in this process."""
        return self._status

    @property
    def settings(self) -> Settings:
        """The settings in use."""
        return self._snapshot.settings

    def providers(self, organization: Organization) -> list[Provider]:
        """Return the providers that are on for an organization, by key."""
        owners = self._snapshot.owners
        return [provider for key, (_, provider) in owners.items() if self.decide(key, organization).on]

    def provider(self, key: str) -> Provider | None:
        """Return a provider by its key, whether it is on for anyone or not."""
        # A provider that is off is still needed to show repositories that belong to it.
        owner = self._snapshot.owners.get(key)
        return owner[1] if owner else None

    def providers_with(self, hook: str) -> frozenset[str]:
        """Return the keys of the providers whose plugin has a hook, whether or not they are on."""
        calls = self._snapshot.calls
        return frozenset(key for key, item in calls.items() if item.has(hook))

    def is_known(self, key: str) -> bool:
        """Return whether there is such a provider, or at least a plugin of that name, installed or configured."""
        return key in self._snapshot.owners or any(report.name == key for report in self._snapshot.reports)

    def idle_reason(self, key: str | None, organization: Organization) -> str | None:
        """Return why objects of a provider are idle in an organization now, or None while it works.

        The text is for members of the organization: it shows neither lines of plugins.toml nor other plugins.
        """
        if key is None:
            return None
        decision = self.decide(key, organization)
        return None if decision.on else decision.public_reason

    def calls_for(self, key: str, organization: Organization) -> ProviderCalls:
        """Return the hooks of a provider that is on for an organization.

        Raises:
            ProviderOff: it is not on; the text has the reason, as ``idle_reason`` gives it.
        """
        decision, calls = self.decide(key, organization), self.calls(key)
        if not decision.on or calls is None:
            raise ProviderOff(key, decision.public_reason)
        return calls

    def provider_name(self, key: str) -> str:
        """Return a provider's display name; its key if this process has never loaded its plugin."""
        return self._names.get(key, key)

    def decide(self, provider_key: str, organization: Organization) -> FlagDecision:
        """Return whether a provider is on for an organization, and why."""
        snapshot = self._snapshot
        decision = self._cached_decision(snapshot, provider_key, organization)
        if snapshot.flags is not None:
            decision = snapshot.evaluate_flags(snapshot.flags, provider_key, organization, decision)
        suspensions = self.suspensions
        # Suspensions are not cached with the decision, because they change with time.
        question = snapshot.question(provider_key, organization) if suspensions else None
        return with_suspensions(decision, question, suspensions) if question else decision

    def trace(self, provider_key: str, organization: Organization) -> list[Step]:
        """Return all rules of the environment and the file in their order, with their result for an organization."""
        return self._snapshot.trace(provider_key, organization)

    def calls(self, provider_key: str) -> ProviderCalls | None:
        """Return the calls of a provider, or None when no ready plugin offers it."""
        return self._snapshot.calls.get(provider_key)

    def has_hook(self, provider_key: str | None, hook: str) -> bool:
        """Return whether the ready plugin that offers a provider implements a hook."""
        calls = self._snapshot.calls.get(provider_key) if provider_key else None
        return calls is not None and calls.has(hook)

    def plugin_version(self, provider_key: str) -> str:
        """Return the version of the distribution whose plugin offers a provider; empty where no ready plugin does."""
        owner = self._snapshot.owners.get(provider_key)
        return owner[0].candidate.version if owner else ""

    @property
    def provider_keys(self) -> tuple[str, ...]:
        """The keys of all providers that ready plugins offer."""
        return tuple(self._snapshot.owners)

    @property
    def snapshot_number(self) -> int:
        """A number that changes with the plugins and the settings in use."""
        return self._snapshot.number

    def reload(self, settings: Settings, *, retry: bool = False) -> ConfigurationStatus:
        """Apply new settings. Calls that run already keep the old settings.

        Plugins are loaded and unloaded; flags and settings of plugins change. Keys that a process reads only at its
        start take effect after a restart, see ``restart_for``. Failed plugins are loaded again when their own table has
        changed, or with ``retry``.

        Raises:
            HostError: a loaded plugin refuses the settings, or the flags provider does not exist. Nothing has changed.
        """
        with self._reload_lock:
            # Each snapshot is published before the next one is built: a kill must not wait for a slow import.
            for change in self._reloader.next(self._snapshot, settings, retry=retry):
                self._snapshot = change.snapshot
                self._guard.breaker.thresholds = settings.breaker
                self._status = self._new_status()
                for plugin in change.unloaded if self._serving else ():
                    # After the exchange, so that no new call reaches a plugin that has been shut down.
                    self._notify_one(plugin, "scm_shutdown")
            return self._status

    def notice_installed(self) -> None:
        """Note in the reports which plugins have another version installed now."""
        with self._reload_lock:
            self._reloader.notice_installed()

    def keep_last_good(self, error: str | None) -> None:
        """Record why plugins.toml cannot be used, or, with None, that it can be used again."""
        with self._reload_lock:
            # The first failure counts: a second edit that fails too does not make the settings fresher.
            since = self._status.stale_since or self._clock.now()
            self._status = replace(self._status, error=error, stale_since=since if error else None)

    def notify(self, hook: str, **values: object) -> None:
        """Notify the plugins that implement a hook, in their order. Faults are logged and counted, never raised.

        A plugin gets nothing about an organization for which it is off.
        """
        organization = values.get("organization")
        for plugin in self._snapshot.loaded:
            # Most plugins do not listen: for them no decision is made.
            listens = hook in plugin.implementations
            if listens and (not isinstance(organization, Organization) or self._is_on(plugin, organization)):
                self._notify_one(plugin, hook, values)

    def commands(self) -> list[Command]:
        """Return the commands that plugins add. Of two with one name, the first is used."""
        found: dict[str, Command] = {}
        for plugin in self._snapshot.loaded:
            for command in self._notify_one(plugin, "scm_register_commands") or ():
                found.setdefault(command.name, command)
        return list(found.values())

    def close(self) -> None:
        """Notify the plugins that were started that the process ends, and end their workers."""
        if self._serving:
            self.notify("scm_shutdown")
        if self._snapshot.flags:
            self._snapshot.flags.close()
        self._guard.close()

    def _cached_decision(self, snapshot: RegistrySnapshot, key: str, organization: Organization) -> FlagDecision:
        # With the number: a decision of a snapshot that is replaced meanwhile must not be used for the next one.
        question = (snapshot.number, key, organization.id, organization.slug)
        try:
            # Without the lock, and without ``get``, which looks the key up twice: another thread may evict it between.
            return self._decisions[question]
        except KeyError:
            decision = snapshot.decide(key, organization)
        with self._decision_lock:
            self._decisions[question] = decision
        return decision

    def _new_status(self) -> ConfigurationStatus:
        settings = self._snapshot.settings
        # Names stay when their plugins are unloaded: repositories and installations of theirs are still shown.
        self._names |= {key: provider.name for key, (_, provider) in self._snapshot.owners.items()}
        return ConfigurationStatus(
            file=settings.source.file,
            sha256=settings.source.sha256,
            generation=self._snapshot.generation,
            loaded_at=self._clock.now(),
            restart_for=tuple(_restart_keys(self._settings_at_start, settings)),
        )

    def _is_on(self, plugin: ValidatedPlugin, organization: Organization) -> bool:
        """Return whether one of a plugin's providers is on; of a plugin without providers, whether a rule denies it."""
        if plugin.providers:
            return any(self.decide(provider.key, organization).on for provider in plugin.providers)
        return decide(self.settings, Question(plugin.candidate.name, organization, requires_flag=False)).on

    def _notify_one(self, plugin: ValidatedPlugin, hook: str, values: Mapping[str, object] | None = None) -> Any:
        implementation = plugin.implementations.get(hook)
        if implementation is None:
            return None
        try:
            arguments = {**(values or {}), **own_arguments(plugin, implementation, self.settings)}
            # In a worker, also a pure hook: nothing waits for a listener without a deadline.
            return self._guard.call_in_worker(implementation, arguments)
        except PluginFault:
            return None
        except (ProviderError, HostError) as error:
            fields = {"plugin": plugin.candidate.name, "hook": hook, "error": str(error)}
            _log.error("plugin fault", extra=fields)
            return None


def _restart_keys(started: Settings, now: Settings) -> Iterator[str]:
    """Yield the keys that a process reads only at its start and that have changed since."""
    for table in ("host", "server", "database", "limits", "web"):
        before, after = getattr(started, table), getattr(now, table)
        for name in type(before).model_fields:
            if getattr(before, name) != getattr(after, name):
                yield f"{table}.{name}"
