"""All that a host knows at one time: the settings and the plugins under them. Replaced as a whole, never changed."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from scmhost.sdk import Organization, Provider

from . import reports
from .admission import Admitted
from .calls import ProviderCalls
from .guard import Guard
from .reports import PluginReport
from .schema import Settings
from .switches import Question, Step, Switch, decide, trace

_MOST_KEPT: Final = 100_000


class Roster:
    """The settings, the plugins that are in, and what became of the others. Safe to use from many threads.

    Attributes:
        settings: what the operator decided.
        generation: how often settings have been taken; 1 at the start.
        admitted: the plugins that may be called, in their order.
        others: reports of the plugins that may not.
        plugins: reports of all plugins, by name.
    """

    def __init__(
        self, settings: Settings, admitted: Sequence[Admitted], others: Sequence[PluginReport], generation: int = 1
    ) -> None:
        self.settings = settings
        self.generation = generation
        self.admitted = tuple(admitted)
        self.others = tuple(others)
        self.plugins = tuple(sorted([*map(reports.ready, admitted), *others], key=lambda report: report.name))
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

    def provider(self, key: str) -> Provider | None:
        """A provider by its key."""
        owner = self._owners.get(key)
        return owner[1] if owner else None

    def calls(self, key: str) -> ProviderCalls | None:
        """The calls of a provider, or None when no plugin that is ready offers it."""
        return self._calls.get(key)

    def decide(self, key: str, organization: Organization) -> Switch:
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

    def plugin_of(self, key: str) -> Admitted | None:
        """The plugin that offers a provider."""
        owner = self._owners.get(key)
        return owner[0] if owner else None

    def _decide(self, key: str, organization: Organization) -> Switch:
        say = partial(Switch, generation=self.generation)
        question = self.question(key, organization)
        if question is None:
            reason = f"no installed plugin offers {key!r}"
            return say(on=False, reason=reason, source=self.settings.source.file, rule="health")
        found = decide(self.settings, question)
        return say(on=found.on, reason=found.reason, source=found.source, rule=found.rule)
