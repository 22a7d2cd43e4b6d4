"""The plugins of a running host: asked by provider, told by broadcast, exchanged when the switchboard changes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from threading import Lock
from typing import Any, Self

import structlog

from scmhost.infra.clock import Clock, SystemClock
from scmhost.infra.telemetry import SILENT, Telemetry
from scmhost.sdk import PROMISES, Command, HookPromise, Organization, Provider, ProviderError

from . import reports
from .admission import Admission, Admitted, Terms
from .breakers import Breakers, Suspension
from .calls import ProviderCalls
from .counters import Count
from .discovery import Candidate, discover
from .errors import PluginFault
from .flag_seat import FlagSeat, leave_seat, take_seat
from .guard import Guard
from .reports import PluginReport
from .roster import Roster
from .rosters import Rosters
from .schema import Settings
from .switchboard import Switchboard, waits_for_restart
from .switches import Step, Switch, with_suspensions

_log = structlog.get_logger(__name__)


class PluginHost:
    """Holds the plugins of one process. Made by ``open``; safe to use from many threads."""

    def __init__(self, guard: Guard, clock: Clock) -> None:
        self._guard = guard
        self._clock = clock
        self._changing = Lock()
        self._names: dict[str, str] = {}
        self._seat: FlagSeat = take_seat(self._flag)
        self._rosters: Rosters
        self._roster: Roster
        self._started: Settings
        self._switchboard: Switchboard

    @classmethod
    def open(
        cls,
        settings: Settings,
        *,
        candidates: Sequence[Candidate] | None = None,
        promises: Mapping[str, HookPromise] = PROMISES,
        import_seconds: float = 10.0,
        clock: Clock | None = None,
        telemetry: Telemetry = SILENT,
    ) -> Self:
        """Find, import, check and start the plugins that the settings enable. Never raises for a plugin's fault."""
        clock = clock or SystemClock()
        host = cls(Guard(Breakers(settings.breaker, clock), telemetry=telemetry), clock)
        admission = Admission(host._guard, settings, Terms(promises, import_seconds))
        installed = discover if candidates is None else lambda: candidates
        host._rosters = Rosters(host._guard, admission, installed, f"{host.flags_domain}.source")
        host._start(settings)
        return host

    @property
    def plugins(self) -> tuple[PluginReport, ...]:
        """What became of each plugin, by name, with the hooks that are suspended at the moment."""
        suspensions, threads, newer = self.suspensions, self.threads, self._rosters.newer
        noted = (reports.with_note(report, newer.get(report.name)) for report in self._roster.plugins)
        return tuple(reports.as_of_now(report, suspensions, threads.get(report.name, 0)) for report in noted)

    @property
    def suspensions(self) -> tuple[Suspension, ...]:
        """The hooks that are left alone for a while, by plugin and hook."""
        self._guard.look()
        return self._guard.breakers.suspensions()

    @property
    def threads(self) -> Mapping[str, int]:
        """How many threads that it started each plugin keeps, for plugins that ever started one."""
        return self._guard.threads.alive()

    @property
    def counts(self) -> dict[tuple[str, str], Count]:
        """Calls, faults and the slowest call so far, by plugin and hook."""
        return self._guard.counters.all()

    @property
    def switchboard(self) -> Switchboard:
        """What was read last, and what is wrong with what stands there now."""
        return self._switchboard

    @property
    def settings(self) -> Settings:
        """The settings that count now."""
        return self._roster.settings

    @property
    def unflagged(self) -> frozenset[str]:
        """The plugins whose providers need no flag: they are on unless something switches them off."""
        return self._roster.unflagged

    @property
    def flags_domain(self) -> str:
        """The domain of OpenFeature on which this host answers."""
        return self._seat.domain

    def providers(self, organization: Organization) -> list[Provider]:
        """The providers that are on for an organization, by key."""
        return [item for key, item in self._roster.providers.items() if self.decide(key, organization).on]

    def provider(self, key: str) -> Provider | None:
        """A provider by its key, whether it is on for anybody or not."""
        return self._roster.provider(key)

    def provider_name(self, key: str) -> str:
        """A provider's name as people know it; its key while this process has never loaded its plugin."""
        return self._names.get(key, key)

    def decide(self, provider_key: str, organization: Organization) -> Switch:
        """Whether a provider is on for an organization, and why."""
        switch = self._roster.decide(provider_key, organization)
        suspensions = self.suspensions
        question = self._roster.question(provider_key, organization) if suspensions else None
        return with_suspensions(switch, question, suspensions) if question else switch

    def trace(self, provider_key: str, organization: Organization) -> list[Step]:
        """All rules of the environment and the file in their order, with what each says of an organization."""
        return self._roster.trace(provider_key, organization)

    def calls(self, provider_key: str) -> ProviderCalls | None:
        """The calls of a provider, or None when no plugin that is ready offers it."""
        return self._roster.calls(provider_key)

    def reload(self, settings: Settings, *, retry: bool = False) -> Switchboard:
        """Take new settings. Calls that are under way finish as they began.

        Plugins are brought in and let go, flags and settings of plugins change. What the process reads at its start
        alone waits for a restart, as ``restart_for`` says. Plugins that failed are tried again when their own table
        has changed, or when told to ``retry``.

        Raises:
            HostError: the settings do not suit a plugin that is in, or name a flag service that is not there.
                Nothing has changed then.
        """
        with self._changing:
            for change in self._rosters.next(self._roster, settings, retry=retry):
                self._roster = change.roster
                self._guard.breakers.terms = settings.breaker
                self._switchboard = self._described(change.roster)
                for plugin in change.gone:
                    self._hear(plugin, "scm_shutdown", {})
            return self._switchboard

    def notice_installed(self) -> None:
        """Look which versions of plugins are installed by now: what is said of a plugin names another one."""
        with self._changing:
            self._rosters.look()

    def keep_last_good(self, error: str | None) -> None:
        """Note that the switchboard cannot be used as it is written now, or, with None, that it can again."""
        with self._changing:
            since = self._switchboard.stale_since or self._clock.now()
            self._switchboard = replace(self._switchboard, error=error, stale_since=since if error else None)

    def tell(self, hook: str, **values: object) -> None:
        """Tell all plugins that listen, in their order. What goes wrong is logged and counted, never raised."""
        for plugin in self._roster.admitted:
            self._hear(plugin, hook, values)

    def commands(self) -> list[Command]:
        """The commands that plugins add. Of two with one name the first stays."""
        found: dict[str, Command] = {}
        for plugin in self._roster.admitted:
            for command in self._hear(plugin, "scm_register_commands", {}) or ():
                found.setdefault(command.name, command)
        return list(found.values())

    def close(self) -> None:
        """Tell the plugins that the process ends, and let go of their threads."""
        leave_seat(self._seat)
        self.tell("scm_shutdown")
        if self._roster.flags:
            self._roster.flags.close()
        self._guard.close()

    def _start(self, settings: Settings) -> None:
        self._started = settings
        self._roster = self._rosters.first(settings)
        self._switchboard = self._described(self._roster)

    def _described(self, roster: Roster) -> Switchboard:
        settings = roster.settings
        # The names stay when their plugins go: what belongs to them is shown as ever, but idle.
        self._names |= {key: provider.name for key, provider in roster.providers.items()}
        return Switchboard(
            file=settings.source.file,
            sha256=settings.source.sha256,
            generation=roster.generation,
            loaded_at=self._clock.now(),
            restart_for=waits_for_restart(self._started, settings),
        )

    def _flag(self, name: str, organization: Organization) -> Switch | None:
        """The answer of a flag of OpenFeature, by the name of a plugin or the key of a provider."""
        key = self._roster.key_of(name)
        return self.decide(key, organization) if key else None

    def _hear(self, plugin: Admitted, hook: str, values: Mapping[str, object]) -> Any:
        implementation = plugin.implementations.get(hook)
        if implementation is None:
            return None
        try:
            return self._guard.call(implementation, {**values, "settings": plugin.settings[""]})
        except PluginFault:
            return None
        except ProviderError as error:
            _log.error("plugin fault", plugin=plugin.candidate.name, hook=hook, error=str(error))
            return None
