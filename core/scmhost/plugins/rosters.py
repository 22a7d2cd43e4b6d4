"""Makes rosters: the first one, and from one the next, as the operator's settings change."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import structlog

from scmhost.sdk import ProviderError

from . import reports
from .admission import Admission, Admitted
from .discovery import Candidate
from .enrolment import enrol
from .errors import ConfigError, HostError
from .flag_service import FlagService
from .guard import Guard
from .reports import PluginReport
from .roster import Roster
from .schema import EVERYTHING, Settings

_log = structlog.get_logger(__name__)

_IN_MEMORY: Final = "it was loaded before: its code stays in memory until a restart"
_BEING_LOADED: Final = "it is being loaded"


@dataclass(frozen=True, slots=True)
class Change:
    """A roster that takes the place of another, and the plugins that it lets go."""

    roster: Roster
    gone: tuple[Admitted, ...] = ()


class Rosters:
    """Brings plugins in and lets them go. For one thread at a time.

    A module that was imported cannot be taken out of a process, nor can another version of it be brought in: what was
    imported once is what this process has, until it is started again.
    """

    def __init__(
        self, guard: Guard, admission: Admission, candidates: Callable[[], Sequence[Candidate]], domain: str
    ) -> None:
        self._guard = guard
        self._admission = admission
        self._candidates = candidates
        self._domain = domain
        self._imported: dict[str, Candidate] = {}
        self.newer: Mapping[str, str] = {}

    def look(self) -> None:
        """See which other versions of plugins are installed by now; ``newer`` has a note for each."""
        self.newer = self._newer(self._candidates())

    def first(self, settings: Settings) -> Roster:
        """Find, import, check and start the plugins that are enabled. Never raises for a plugin's fault."""
        wanted, others = enrol(settings, self._candidates())
        self._admission.under(settings)
        admitted, refused = self._take_in(wanted)
        roster = Roster(settings, admitted, [*others, *refused], flags=self._first_flags(settings))
        return roster.with_calls(self._guard)

    def next(self, before: Roster, settings: Settings, *, retry: bool = False) -> Iterator[Change]:
        """The rosters that lead to new settings: at once one without what is off now, then one with what is new.

        A plugin that hangs while it is imported keeps no other from being switched off. One that was broken is tried
        again when its own table has changed, or when told to ``retry``.

        Raises:
            HostError: the settings do not suit a plugin that is in. Raised first of all: nothing has changed then.
        """
        installed = self._candidates()
        wanted, others = enrol(settings, [self._as_loaded(candidate) for candidate in installed])
        kept = self._kept(before, settings, wanted)
        flags = self._next_flags(before, settings)
        standing = _Standing(settings, before.generation + 1, flags)
        self.newer = self._newer(installed)

        gone = tuple(plugin for plugin in before.admitted if plugin.candidate not in kept)
        for plugin in gone:
            self._admission.release(plugin)
        ill = {} if retry else _still_ill(before, settings)
        stay = [candidate for candidate in wanted if candidate in kept]
        new = [candidate for candidate in wanted if candidate not in kept and candidate.name not in ill]
        out = [*map(self._noted, others), *(ill[candidate.name] for candidate in wanted if candidate.name in ill)]
        being_loaded = [reports.off(candidate, _BEING_LOADED) for candidate in new]
        now = standing.roster([kept[candidate] for candidate in stay], [*out, *being_loaded])
        yield Change(now.with_calls(self._guard, before), gone)

        if new:
            admitted, refused = self._take_in(new)
            everybody = {plugin.candidate: plugin for plugin in admitted} | kept
            ordered = [everybody[candidate] for candidate in wanted if candidate in everybody]
            yield Change(standing.roster(ordered, [*out, *refused]).with_calls(self._guard, now))

    def _kept(self, before: Roster, settings: Settings, wanted: Sequence[Candidate]) -> dict[Candidate, Admitted]:
        """The plugins that stay, with their settings of now."""
        standing = {plugin.candidate: plugin for plugin in before.admitted}
        self._admission.under(settings)
        try:
            return {
                candidate: self._resettled(standing[candidate], before.settings, settings)
                for candidate in wanted
                if candidate in standing
            }
        except HostError:
            self._admission.under(before.settings)
            raise

    def _resettled(self, plugin: Admitted, before: Settings, settings: Settings) -> Admitted:
        name = plugin.candidate.name
        if before.of(name).settings == settings.of(name).settings:
            return plugin
        return self._admission.resettled(plugin)

    def _take_in(self, wanted: Sequence[Candidate]) -> tuple[list[Admitted], list[PluginReport]]:
        admitted, refused = _sieve({candidate: partial(self._admit, candidate) for candidate in wanted})
        started, failed = _sieve({plugin.candidate: partial(self._start, plugin) for plugin in admitted})
        return started, [*refused, *failed]

    def _admit(self, candidate: Candidate) -> Admitted:
        return self._admission.admit(candidate, self._imported)

    def _start(self, plugin: Admitted) -> Admitted:
        """A plugin that cannot start is as broken as one that cannot be imported."""
        implementation = plugin.implementations.get("scm_startup")
        try:
            if implementation is not None:
                self._guard.call(implementation, {"settings": plugin.settings[""]})
        except (HostError, ProviderError):
            self._admission.release(plugin)
            raise
        return plugin

    def _first_flags(self, settings: Settings) -> FlagService | None:
        """At the start a flag service that cannot be opened is as a plugin that cannot: all else goes on."""
        table = settings.flags_provider
        if table is None or EVERYTHING in settings.plugins_off:
            return None
        try:
            return FlagService.open(table, settings.source, self._guard, self._domain)
        except ConfigError as error:
            _log.error("flags provider refused", provider=table.provider, fault=str(error))
            return FlagService.absent(table, self._guard, self._domain, error.problem)

    def _next_flags(self, before: Roster, settings: Settings) -> FlagService | None:
        table = settings.flags_provider
        if table == before.settings.flags_provider:
            return before.flags
        if table is None or EVERYTHING in settings.plugins_off:
            if before.flags:
                before.flags.close()
            return None
        try:
            return FlagService.open(table, settings.source, self._guard, self._domain)
        except ConfigError:
            self._admission.under(before.settings)
            raise

    def _as_loaded(self, candidate: Candidate) -> Candidate:
        """What is installed, or the version of it that this process has imported."""
        imported = self._imported.get(candidate.name)
        same = imported is not None and imported.distribution == candidate.distribution
        return imported if imported is not None and same else candidate

    def _newer(self, installed: Sequence[Candidate]) -> dict[str, str]:
        """What is to be said of plugins of which another version is installed by now."""
        return {
            candidate.name: f"{candidate.distribution} {candidate.version} is installed by now; restart to run it"
            for candidate in installed
            if candidate.version and self._as_loaded(candidate) != candidate
        }

    def _noted(self, report: PluginReport) -> PluginReport:
        if report.state != "off" or report.name not in self._imported:
            return report
        return replace(report, notes=(*report.notes, _IN_MEMORY))


@dataclass(frozen=True, slots=True)
class _Standing:
    """What the rosters of one change have in common."""

    settings: Settings
    generation: int
    flags: FlagService | None

    def roster(self, admitted: Sequence[Admitted], others: Sequence[PluginReport]) -> Roster:
        return Roster(self.settings, admitted, others, generation=self.generation, flags=self.flags)


def _still_ill(before: Roster, settings: Settings) -> dict[str, PluginReport]:
    """The plugins that were refused and about which the operator has changed nothing."""
    refused = [report for report in before.others if report.state in ("broken", "incompatible") and report.distribution]
    return {report.name: report for report in refused if before.settings.of(report.name) == settings.of(report.name)}


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
