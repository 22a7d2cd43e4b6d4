"""The registry snapshot: settings, loaded plugins and reports of all plugins at one time. Replaced, never changed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, Self

from pydantic import JsonValue

from scmhost.plugins.validation import ValidatedPlugin
from scmhost.sdk import Organization, Provider

from .calls import ProviderCalls
from .config.redaction import shown
from .config.schema import Settings
from .credentials import CredentialStore
from .discovery import Candidate, NotSelected
from .errors import BadPlugin, HostError, PluginFault
from .flag_rules import FIRM, FlagDecision, Question, Step, bucket_of, decide, trace
from .isolation.circuit_breaker import Suspension
from .isolation.guard import Guard
from .isolation.inline_calls import OverdueCall

if TYPE_CHECKING:
    from .flags_provider import FlagService

State = Literal["off", "ready", "suspended", "broken", "incompatible"]

_NUMBERS: Final = count(1)
_DEFINE: Final = "; a module may only define things when it is imported: move what it does into scm_startup"
# Advice for faults while a plugin is loaded, by step and kind.
_ADVICE: Final = {
    ("import", "raised"): "; its author must fix it, or something is missing on this machine",
    ("import", "exited"): _DEFINE,
    ("import", "timed_out"): _DEFINE,
}


@dataclass(frozen=True, slots=True)
class PluginReport:
    """A plugin's state and the reason for it. Only a plugin that is ready or suspended has hooks and providers.

    A plugin is suspended while any of its hooks is; the other hooks are called as usual. Secret settings are redacted.
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

    @classmethod
    def ready(cls, plugin: ValidatedPlugin) -> Self:
        """Return the report of a loaded plugin."""
        features = {feature.value for provider in plugin.providers for feature in provider.features}
        return cls(
            name=plugin.candidate.name,
            distribution=plugin.candidate.distribution,
            version=plugin.candidate.version,
            state="ready",
            reason="passed every check",
            hooks=tuple(sorted(plugin.implementations)),
            providers=tuple(sorted(provider.key for provider in plugin.providers)),
            features=tuple(sorted(features)),
            import_ms=plugin.import_ms,
            notes=plugin.notes,
            api_range=plugin.candidate.api_range,
            settings=MappingProxyType(shown(plugin.settings[""])),
        )

    @classmethod
    def not_loaded(cls, candidate: Candidate, state: State, reason: str) -> Self:
        """Return the report of a plugin by its metadata alone."""
        found = (candidate.name, candidate.distribution, candidate.version)
        return cls(*found, state, reason, api_range=candidate.api_range)

    @classmethod
    def not_selected(cls, found: NotSelected) -> Self:
        """Return the report of a plugin that was not selected to be loaded."""
        if found.candidate is not None:
            return cls.not_loaded(found.candidate, "off", found.reason)
        return cls(found.name, None, None, "broken" if found.broken else "off", found.reason, notes=found.notes)

    @classmethod
    def refused(cls, candidate: Candidate, fault: Exception) -> Self:
        """Return the report of a plugin that failed while it was loaded."""
        owner = f"plugin {candidate.name!r} ({candidate.where})"
        if isinstance(fault, PluginFault):
            reason = f"{owner}, {fault.hook}: {fault.detail}{_ADVICE.get((fault.hook, fault.kind), '')}"
        elif isinstance(fault, HostError):
            reason = str(fault)
        else:
            reason = f"{owner}: it reports on purpose that it cannot start: {fault}"
        return cls.not_loaded(candidate, fault.state if isinstance(fault, BadPlugin) else "broken", reason)

    def with_note(self, note: str | None) -> Self:
        """Return the report with one more note, if there is one."""
        return replace(self, notes=(*self.notes, note)) if note else self

    def as_of_now(self, suspensions: Sequence[Suspension], overdue: Iterable[OverdueCall]) -> Self:
        """Return the report of a ready plugin with its suspended hooks and overdue calls."""
        if self.state != "ready":
            return self
        # A note and no state: an overdue call keeps its slot, but the plugin still works.
        late = [call.description for call in overdue if call.plugin == self.name]
        report = replace(self, notes=(*self.notes, *late)) if late else self
        own = tuple(item for item in suspensions if item.plugin == self.name)
        if not own:
            return report
        reason = "; ".join(f"{item.hook} is {item.description}" for item in own)
        return replace(report, state="suspended", reason=reason, suspensions=own)


@dataclass(frozen=True, slots=True)
class RegistrySnapshot:
    """The settings, the loaded plugins, and reports of the others. Immutable; safe to use from many threads.

    Attributes:
        settings: the operator's decisions.
        generation: how many times settings have been applied; 1 at the start.
        loaded: the plugins that may be called, in their order.
        others: reports of the plugins that may not.
        calls: the calls of each provider, by key.
        reports: reports of all plugins, by name.
        owners: the plugin and the provider of each key, sorted by key.
        flags: the operator's flags provider, if there is one.
        number: the number of this snapshot in the process. One generation may have two snapshots.
    """

    settings: Settings
    generation: int
    loaded: tuple[ValidatedPlugin, ...]
    others: tuple[PluginReport, ...]
    calls: Mapping[str, ProviderCalls]
    reports: tuple[PluginReport, ...]
    owners: Mapping[str, tuple[ValidatedPlugin, Provider]]
    flags: "FlagService | None"
    number: int

    @classmethod
    def build(
        cls,
        basis: tuple[Settings, int, "FlagService | None"],
        loaded: Sequence[ValidatedPlugin],
        others: Sequence[PluginReport],
        calling: tuple[Guard, CredentialStore],
        before: "RegistrySnapshot | None" = None,
    ) -> Self:
        """Return a snapshot of settings, generation and flags provider. Unchanged plugins keep their calls.

        ``calling`` is what the calls of all providers share.
        """
        settings, generation, flags = basis
        pairs = sorted(
            ((provider.key, (plugin, provider)) for plugin in loaded for provider in plugin.providers),
            key=lambda pair: pair[0],
        )
        calls = {}
        for key, (plugin, provider) in pairs:
            # The same object keeps the cached pages of its repositories valid.
            same = before is not None and key in before.owners and before.owners[key][0] is plugin
            if before is not None and same:
                calls[key] = before.calls[key]
            else:
                calls[key] = ProviderCalls(provider, plugin.settings[key], plugin.implementations, *calling)
        # By name instead of load order: people look for a name in the list.
        reports = sorted((*map(PluginReport.ready, loaded), *others), key=lambda report: report.name)
        return cls(
            settings,
            generation,
            tuple(loaded),
            tuple(others),
            MappingProxyType(calls),
            tuple(reports),
            MappingProxyType(dict(pairs)),
            flags,
            next(_NUMBERS),
        )

    def decide(self, key: str, organization: Organization) -> FlagDecision:
        """Return the decision of the environment and the file. It does not change for this snapshot."""
        question = self.question(key, organization)
        if question is not None:
            return replace(decide(self.settings, question), generation=self.generation)
        reason, source = f"no installed plugin offers {key!r}", self.settings.source.place()
        return FlagDecision(on=False, reason=reason, source=source, rule="health", generation=self.generation)

    def evaluate_flags(
        self, flags: "FlagService", key: str, organization: Organization, decision: FlagDecision
    ) -> FlagDecision:
        """Return the flags provider's decision, or the file's if that may not be overridden."""
        # A kill switch must work while the flags provider is wrong or does not answer.
        question = None if decision.rule in FIRM else self.question(key, organization)
        return flags.evaluate(question, bucket_of(self.settings, question), decision) if question else decision

    def trace(self, key: str, organization: Organization) -> list[Step]:
        """Return the rules that are tried, in their order; none where no installed plugin offers the provider."""
        question = self.question(key, organization)
        return trace(self.settings, question) if question else []

    def question(self, key: str, organization: Organization) -> Question | None:
        """Return the input of the rules; None where no installed or named plugin offers the provider.

        By convention a plugin with one provider has the same name: while it is not ready, its state is the reason.
        """
        owner = self.owners.get(key)
        if owner is not None:
            plugin, provider = owner
            return Question(plugin.candidate.name, organization, provider.requires_feature_flag)
        report = next((report for report in self.reports if report.name == key), None)
        if report is None:
            return None
        unusable = report.reason if report.state != "ready" else f"its plugin offers no provider {key!r}"
        return Question(report.name, organization, unusable=unusable)
