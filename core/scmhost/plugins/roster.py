"""All that a host knows at one time: the settings and the plugins under them. Replaced as a whole, never changed."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from scmhost.sdk import Organization, Provider

from . import reports
from .admission import Admitted
from .calls import ProviderCalls
from .flag_service import FlagService
from .guard import Guard
from .reports import PluginReport
from .schema import Settings
from .switches import FIRM, Question, Step, Switch, decide, place_of, trace

_MOST_KEPT: Final = 100_000


class Roster:
    """The settings, the plugins that are in, and what became of the others. Safe to use from many threads.

    Attributes:
        settings: what the operator decided.
        generation: how often settings have been taken; 1 at the start.
        admitted: the plugins that may be called, in their order.
        others: reports of the plugins that may not.
        plugins: reports of all plugins, by name.
        flags: another flag service that is asked about organizations, if the operator names one.
    """

    def __init__(
        self,
        settings: Settings,
        admitted: Sequence[Admitted],
        others: Sequence[PluginReport],
        *,
        generation: int = 1,
        flags: FlagService | None = None,
    ) -> None:
        self.settings = settings
        self.generation = generation
        self.admitted = tuple(admitted)
        self.others = tuple(others)
        self.flags = flags
        told = (*map(reports.ready, admitted), *others)
        self.plugins = tuple(sorted(told, key=lambda report: report.name))
        self._owners = {provider.key: (plugin, provider) for plugin in admitted for provider in plugin.providers}
        self._calls: dict[str, ProviderCalls] = {}
        self._answers: dict[tuple[str, int, str], Switch] = {}

    def with_calls(self, guard: Guard, before: "Roster | None" = None) -> "Roster":
        """The same, ready to call. A plugin that was in before, and has not changed, keeps its calls."""
        for key, (plugin, provider) in self._owners.items():
            kept = before.calls(key) if before and before.plugin_of(key) is plugin else None
            self._calls[key] = kept or ProviderCalls(provider, plugin.settings[key], plugin.implementations, guard)
        return self

    @property
    def providers(self) -> Mapping[str, Provider]:
        """All providers by key, whether they are on for anybody or not."""
        return {key: self._owners[key][1] for key in sorted(self._owners)}

    @property
    def unflagged(self) -> frozenset[str]:
        """The plugins none of whose providers needs a flag."""
        return frozenset(
            plugin.candidate.name
            for plugin in self.admitted
            if plugin.providers and not any(provider.requires_feature_flag for provider in plugin.providers)
        )

    def provider(self, key: str) -> Provider | None:
        """A provider by its key."""
        owner = self._owners.get(key)
        return owner[1] if owner else None

    def calls(self, key: str) -> ProviderCalls | None:
        """The calls of a provider, or None when no plugin that is ready offers it."""
        return self._calls.get(key)

    def decide(self, key: str, organization: Organization) -> Switch:
        """The answer of the environment, the file, and then of the flag service, if there is one."""
        answer = self.decide_by_file(key, organization)
        if self.flags is None or answer.rule in FIRM:
            return answer
        question = self.question(key, organization)
        return self.flags.ask(question, place_of(self.settings, question), answer) if question else answer

    def decide_by_file(self, key: str, organization: Organization) -> Switch:
        """What the environment and the file say. Nothing of it changes while the roster stands, so it is kept."""
        asked = (key, organization.id, organization.slug)
        answer = self._answers.get(asked)
        if answer is None:
            if len(self._answers) >= _MOST_KEPT:
                self._answers.clear()
            answer = self._answers[asked] = self._decide(key, organization)
        return answer

    def trace(self, key: str, organization: Organization) -> list[Step]:
        """The rules that are tried, in their order; none where no installed plugin offers the provider."""
        question = self.question(key, organization)
        return trace(self.settings, question) if question else []

    def question(self, key: str, organization: Organization) -> Question | None:
        """What is asked of the rules; None where no installed or named plugin is behind a provider.

        By custom a plugin that offers one provider bears its name: while it is not ready, its own state is the answer.
        """
        owner = self._owners.get(key)
        if owner is not None:
            plugin, provider = owner
            return Question(plugin.candidate.name, organization, provider.requires_feature_flag)
        report = next((report for report in self.plugins if report.name == key), None)
        if report is None:
            return None
        ill = report.reason if report.state != "ready" else f"its plugin offers no provider {key!r}"
        return Question(report.name, organization, ill=ill)

    def key_of(self, name: str) -> str | None:
        """The key to decide by, of a provider or a plugin with this name; None where there is neither."""
        if name in self._owners:
            return name
        keys = [key for key, (plugin, _) in self._owners.items() if plugin.candidate.name == name]
        named = any(report.name == name for report in self.plugins)
        return keys[0] if keys else name if named else None

    def plugin_of(self, key: str) -> Admitted | None:
        """The plugin that offers a provider."""
        owner = self._owners.get(key)
        return owner[0] if owner else None

    def _decide(self, key: str, organization: Organization) -> Switch:
        say = partial(Switch, generation=self.generation)
        question = self.question(key, organization)
        if question is None:
            reason = f"no installed plugin offers {key!r}"
            return say(on=False, reason=reason, source=self.settings.source.place(), rule="health")
        found = decide(self.settings, question)
        return say(on=found.on, reason=found.reason, source=found.source, rule=found.rule)
