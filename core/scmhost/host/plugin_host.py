"""The plugins of a running host: admitted once, asked by provider, told by broadcast."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Self

import structlog

from scmhost.kernel.clock import Clock
from scmhost.sdk import PROMISES, Command, HookPromise, Organization, Provider, ProviderError

from . import reports
from .admission import Admission, Admitted, Terms
from .breakers import Breakers, Suspension
from .calls import ProviderCalls
from .counters import Count
from .discovery import Candidate, discover
from .enrolment import enrol
from .errors import HostError, PluginFault
from .guard import Guard
from .reports import PluginReport
from .schema import Settings
from .switches import Question, Switch, decide, with_suspensions

_log = structlog.get_logger(__name__)


class PluginHost:
    """Holds the plugins of one process. Made by ``open``; safe to use from many threads."""

    def __init__(
        self, settings: Settings, guard: Guard, admitted: Sequence[Admitted], others: Sequence[PluginReport]
    ) -> None:
        self._settings = settings
        self._guard = guard
        self._admitted = tuple(admitted)
        self._owners = {provider.key: (plugin, provider) for plugin in admitted for provider in plugin.providers}
        self._calls = {
            key: ProviderCalls(provider, plugin.settings[key], plugin.implementations, guard)
            for key, (plugin, provider) in self._owners.items()
        }
        told = [*map(reports.ready, admitted), *others]
        self._reports = tuple(sorted(told, key=lambda report: report.name))

    @classmethod
    def open(
        cls,
        settings: Settings,
        *,
        candidates: Sequence[Candidate] | None = None,
        promises: Mapping[str, HookPromise] = PROMISES,
        import_seconds: float = 10.0,
        clock: Clock | None = None,
    ) -> Self:
        """Find, import, check and start the plugins that the settings enable. Never raises for a plugin's fault."""
        wanted, others = enrol(settings, discover() if candidates is None else candidates)
        guard = Guard(Breakers(settings.breaker, clock))
        admission = Admission(guard, settings, Terms(promises, import_seconds))
        admitted, refused = _sieve({candidate: partial(admission.admit, candidate) for candidate in wanted})
        started, failed = _sieve({plugin.candidate: partial(_start, plugin, guard) for plugin in admitted})
        return cls(settings, guard, started, [*others, *refused, *failed])

    @property
    def plugins(self) -> tuple[PluginReport, ...]:
        """What became of each plugin, by name, with the hooks that are suspended at the moment."""
        suspensions, threads = self.suspensions, self.threads
        return tuple(reports.as_of_now(report, suspensions, threads.get(report.name, 0)) for report in self._reports)

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

    def providers(self, organization: Organization) -> list[Provider]:
        """The providers that are on for an organization, by key."""
        return [self._owners[key][1] for key in sorted(self._owners) if self.decide(key, organization).on]

    def provider(self, key: str) -> Provider | None:
        """A provider by its key, whether it is on for anybody or not."""
        owner = self._owners.get(key)
        return owner[1] if owner else None

    def decide(self, provider_key: str, organization: Organization) -> Switch:
        """Whether a provider is on for an organization, and why."""
        owner = self._owners.get(provider_key)
        if owner is None:
            return self._decide_without_provider(provider_key, organization)
        plugin, provider = owner
        question = Question(plugin.candidate.name, organization, provider.requires_feature_flag)
        return with_suspensions(decide(self._settings, question), question, self.suspensions)

    def calls(self, provider_key: str) -> ProviderCalls | None:
        """The calls of a provider, or None when no plugin that is ready offers it."""
        return self._calls.get(provider_key)

    def tell(self, hook: str, **values: object) -> None:
        """Tell all plugins that listen, in their order. What goes wrong is logged and counted, never raised."""
        for plugin in self._admitted:
            self._hear(plugin, hook, values)

    def commands(self) -> list[Command]:
        """The commands that plugins add. Of two with one name the first stays."""
        found: dict[str, Command] = {}
        for plugin in self._admitted:
            for command in self._hear(plugin, "scm_register_commands", {}) or ():
                found.setdefault(command.name, command)
        return list(found.values())

    def close(self) -> None:
        """Tell the plugins that the process ends, and let go of their threads."""
        self.tell("scm_shutdown")
        self._guard.close()

    def _decide_without_provider(self, provider_key: str, organization: Organization) -> Switch:
        """By custom a plugin that offers one provider bears its name: then its own state is the answer."""
        report = next((report for report in self._reports if report.name == provider_key), None)
        if report is None:
            reason = f"no installed plugin offers {provider_key!r}"
            return Switch(on=False, reason=reason, source=self._settings.source.file)
        ill = report.reason if report.state != "ready" else f"its plugin offers no provider {provider_key!r}"
        return decide(self._settings, Question(report.name, organization, ill=ill))

    def _hear(self, plugin: Admitted, hook: str, values: Mapping[str, object]) -> Any:
        implementation = plugin.implementations.get(hook)
        if implementation is None:
            return None
        try:
            return self._guard.call(implementation, {**values, "settings": plugin.settings[""]})
        except (PluginFault, ProviderError) as fault:
            # A suspension was logged when it began; each event that is not told would only repeat it.
            if not (isinstance(fault, PluginFault) and fault.kind == "suspended"):
                _log.error("plugin fault", plugin=plugin.candidate.name, hook=hook, fault=str(fault))
            return None


def _sieve(steps: Mapping[Candidate, Callable[[], Admitted]]) -> tuple[list[Admitted], list[PluginReport]]:
    """Those plugins that a step lets through, and reports of the others."""
    passed: list[Admitted] = []
    failed: list[PluginReport] = []
    for candidate, step in steps.items():
        try:
            passed.append(step())
        except (HostError, ProviderError) as fault:
            _log.error("plugin refused", plugin=candidate.name, distribution=candidate.distribution, fault=str(fault))
            failed.append(reports.refused(candidate, fault))
    return passed, failed


def _start(plugin: Admitted, guard: Guard) -> Admitted:
    """A plugin that cannot start is as broken as one that cannot be imported."""
    implementation = plugin.implementations.get("scm_startup")
    if implementation is not None:
        guard.call(implementation, {"settings": plugin.settings[""]})
    return plugin
