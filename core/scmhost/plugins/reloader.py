"""The registry reloader: builds the first registry snapshot, and the next ones when settings change."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from scmhost.plugins.validation import ValidatedPlugin, Validator, key_conflicts
from scmhost.sdk import ProviderError

from .config.schema import EVERYTHING, FlagsProvider, Settings
from .credentials import NO_CREDENTIALS, CredentialStore
from .discovery import Candidate, select
from .errors import ConfigError, HostError, Problem
from .isolation.guard import Guard, Implementation
from .registry import PluginReport, RegistrySnapshot

if TYPE_CHECKING:
    from .flags_provider import FlagService

_log = logging.getLogger(__name__)

_IN_MEMORY: Final = "it was loaded before: its code stays in memory until a restart"
_BEING_LOADED: Final = "it is being loaded"


def own_arguments(plugin: ValidatedPlugin, implementation: Implementation, settings: Settings) -> Mapping[str, object]:
    """Return the arguments of hooks that concern the plugin as a whole: its settings and its data folder.

    Raises:
        HostError: the folder cannot be made.
    """
    own: dict[str, object] = {"settings": plugin.settings[""]}
    # Only for a plugin that uses it: most have no files of their own.
    if "data_folder" in implementation.parameters:
        own["data_folder"] = _data_folder(settings, plugin)
    return own


def _data_folder(settings: Settings, plugin: ValidatedPlugin) -> Path:
    folder = Path(settings.host.data_folder, plugin.candidate.name).absolute()
    try:
        # Its files may be secret, such as a token cache.
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        reason = f"the data folder {folder} cannot be made ({error.strerror}); set host.data_folder"
        raise HostError(reason) from error
    return folder


@dataclass(frozen=True, slots=True)
class RegistryChange:
    """A snapshot that replaces another, and the plugins that are unloaded by it."""

    snapshot: RegistrySnapshot
    unloaded: tuple[ValidatedPlugin, ...] = ()


class RegistryReloader:
    """Loads and unloads plugins. For one thread at a time.

    A process can neither remove a module that it has imported nor import another version of it: it keeps the first
    version of each plugin until a restart.

    Attributes:
        newer: a note for each plugin of which another version is installed by now.
    """

    def __init__(
        self,
        guard: Guard,
        validator: Validator,
        candidates: Callable[[], Sequence[Candidate]],
        credentials: CredentialStore = NO_CREDENTIALS,
        *,
        serving: bool = True,
    ) -> None:
        self._serving = serving
        self._guard = guard
        self._calling = guard, credentials
        self._validator = validator
        self._candidates = candidates
        self._imported: dict[str, Candidate] = {}
        self._without_key: frozenset[str] = frozenset()
        self.newer: Mapping[str, str] = {}

    def notice_installed(self) -> None:
        """Update ``newer`` with the versions that are installed now."""
        self.newer = self._newer(self._candidates())

    def first(self, settings: Settings) -> RegistrySnapshot:
        """Find, import, check and start the enabled plugins. Never raises because of a plugin."""
        selected, others = select(settings, self._candidates())
        # A plugin that cannot be loaded must not keep the service from starting.
        loaded, refused, _ = self._load(selected, settings, ())
        reports = [*map(PluginReport.not_selected, others), *refused]
        return RegistrySnapshot.build((settings, 1, self._first_flags(settings)), loaded, reports, self._calling)

    def next(self, before: RegistrySnapshot, settings: Settings, *, retry: bool = False) -> Iterator[RegistryChange]:
        """Yield the snapshots that lead to new settings: first one without unloaded plugins, then one with new ones.

        So a plugin that hangs during its import does not keep another one from being switched off. A broken plugin is
        loaded again when its own table has changed, when another one owned its provider key, or with ``retry``.

        Raises:
            HostError: a loaded plugin refuses the settings. This is raised first, before anything has changed.
        """
        installed = self._candidates()
        selected, others = select(settings, [self._as_imported(candidate) for candidate in installed])
        # First of all, because it may raise: until here nothing has changed.
        kept = self._kept(before, settings, selected)
        basis = settings, before.generation + 1, self._next_flags(before, settings)
        self.newer = self._newer(installed)

        # Before new plugins are loaded, so that these can take over provider keys.
        unloaded = tuple(plugin for plugin in before.loaded if plugin.candidate not in kept)
        for plugin in unloaded:
            self._validator.unload(plugin)
        failed = {} if retry else _still_failed(before, settings, self._without_key)
        new = [candidate for candidate in selected if candidate not in kept and candidate.name not in failed]
        out = [self._with_memory_note(PluginReport.not_selected(found)) for found in others]
        out += [failed[candidate.name] for candidate in selected if candidate.name in failed]
        # Reported while the import runs, which may take seconds.
        waiting = {report.name: report for report in before.others if report.name in self._without_key}
        being_loaded = partial(PluginReport.not_loaded, state="off", reason=_BEING_LOADED)
        pending = [waiting.get(candidate.name) or being_loaded(candidate) for candidate in new]
        stay = [kept[candidate] for candidate in selected if candidate in kept]
        now = RegistrySnapshot.build(basis, stay, [*out, *pending], self._calling, before)
        yield RegistryChange(now, unloaded)

        # Settings alone may give the key of a loaded plugin to another one.
        if new or self._without_key or key_conflicts(stay, settings):
            loaded, refused, displaced = self._load(new, settings, stay)
            everything = {plugin.candidate: plugin for plugin in [*stay, *loaded] if plugin not in displaced}
            # In the order of selection: the operator sets it, and listeners are notified in it.
            ordered = [everything[candidate] for candidate in selected if candidate in everything]
            snapshot = RegistrySnapshot.build(basis, ordered, [*out, *refused], self._calling, now)
            yield RegistryChange(snapshot, displaced)

    def _kept(
        self, before: RegistrySnapshot, settings: Settings, selected: Sequence[Candidate]
    ) -> dict[Candidate, ValidatedPlugin]:
        """Return the plugins that stay loaded, with their new settings."""
        loaded = {plugin.candidate: plugin for plugin in before.loaded}
        kept = {}
        for candidate in selected:
            if candidate in loaded:
                plugin, name = loaded[candidate], candidate.name
                # Equal settings need no validation, which runs code of the plugin.
                same = before.settings.of(name).settings == settings.of(name).settings
                kept[candidate] = plugin if same else self._validator.with_settings(plugin, settings)
        return kept

    def _load(
        self, selected: Sequence[Candidate], settings: Settings, stay: Sequence[ValidatedPlugin]
    ) -> tuple[list[ValidatedPlugin], list[PluginReport], tuple[ValidatedPlugin, ...]]:
        """Load all plugins, then start them: a plugin may expect at its start that the others are loaded.

        Returns:
            The loaded plugins, reports of the refused ones, and those of ``stay`` that lose a provider key to them.
        """
        validated, refused = _passed(
            {candidate: partial(self._validator.load, candidate, settings, self._imported) for candidate in selected}
        )
        # Over all plugins, also those that are loaded already: a restart must not change the owner of a key.
        conflicts = key_conflicts([*stay, *validated], settings)
        self._without_key = frozenset(candidate.name for candidate in conflicts)
        for plugin in [*stay, *validated]:
            if plugin.candidate in conflicts:
                self._validator.unload(plugin)
        refused += [_refusal(candidate, fault) for candidate, fault in conflicts.items()]
        owning = [plugin for plugin in validated if plugin.candidate not in conflicts]
        displaced = tuple(plugin for plugin in stay if plugin.candidate in conflicts)
        if not self._serving:
            return owning, refused, displaced
        started, failed = _passed({plugin.candidate: partial(self._start, plugin, settings) for plugin in owning})
        return started, [*refused, *failed], displaced

    def _start(self, plugin: ValidatedPlugin, settings: Settings) -> ValidatedPlugin:
        """Start a plugin. One that cannot start is unloaded, as if its import had failed."""
        implementation = plugin.implementations.get("scm_startup")
        try:
            if implementation is not None:
                self._guard.call(implementation, own_arguments(plugin, implementation, settings))
        except (HostError, ProviderError):
            self._validator.unload(plugin)
            raise
        return plugin

    def _first_flags(self, settings: Settings) -> "FlagService | None":
        """Open the flags provider. At the start, one that cannot be opened is like a broken plugin: the host runs."""
        table = settings.flags_provider
        if table is None or EVERYTHING in settings.plugins_off:
            return None
        try:
            return self._open_flags(table, settings)
        except ConfigError as error:
            _log.error("flags provider refused", extra={"provider": table.provider, "fault": str(error)})
            return self._absent_flags(table, error.problem)

    def _next_flags(self, before: RegistrySnapshot, settings: Settings) -> "FlagService | None":
        table = settings.flags_provider
        # The same provider stays open: opening it again would lose its connection and cache.
        if table == before.settings.flags_provider:
            return before.flags
        if table is None or EVERYTHING in settings.plugins_off:
            if before.flags:
                before.flags.close()
            return None
        return self._open_flags(table, settings)

    def _open_flags(self, table: FlagsProvider, settings: Settings) -> "FlagService":
        try:
            # OpenFeature is imported only where the operator names a provider.
            from .flags_provider import FlagService  # noqa: PLC0415
        except ModuleNotFoundError as error:
            source, key = settings.source, ("flags_provider", "provider")
            problem = f"it needs the module {error.name!r}, which is not installed"
            hint = 'pip install "scmhost[flags]"'
            raise ConfigError(Problem(source.file, source.line(*key), ".".join(key), problem, hint)) from None
        return FlagService.open(table, settings.source, self._guard)

    def _absent_flags(self, table: FlagsProvider, problem: str) -> "FlagService | None":
        try:
            from .flags_provider import FlagService  # noqa: PLC0415 - as above
        except ModuleNotFoundError:
            return None
        return FlagService.absent(table, self._guard, problem)

    def _as_imported(self, candidate: Candidate) -> Candidate:
        """Return the version of a plugin that this process has imported, or else the installed one."""
        imported = self._imported.get(candidate.name)
        same = imported is not None and imported.distribution == candidate.distribution
        return imported if imported is not None and same else candidate

    def _newer(self, installed: Sequence[Candidate]) -> dict[str, str]:
        return {
            candidate.name: f"{candidate.distribution} {candidate.version} is installed by now; restart to run it"
            for candidate in installed
            if candidate.version and self._as_imported(candidate) != candidate
        }

    def _with_memory_note(self, report: PluginReport) -> PluginReport:
        if report.state != "off" or report.name not in self._imported:
            return report
        return replace(report, notes=(*report.notes, _IN_MEMORY))


def _still_failed(before: RegistrySnapshot, settings: Settings, without_key: frozenset[str]) -> dict[str, PluginReport]:
    """Return the refused plugins whose settings have not changed. The owner of a provider key may have changed."""
    refused = [report for report in before.others if report.state in ("broken", "incompatible") and report.distribution]
    return {
        report.name: report
        for report in refused
        if before.settings.of(report.name) == settings.of(report.name) and report.name not in without_key
    }


def _passed(
    steps: Mapping[Candidate, Callable[[], ValidatedPlugin]],
) -> tuple[list[ValidatedPlugin], list[PluginReport]]:
    """Run a step for each plugin; return those that pass, and reports of the others."""
    passed: list[ValidatedPlugin] = []
    failed: list[PluginReport] = []
    for candidate, step in steps.items():
        try:
            passed.append(step())
        except (HostError, ProviderError) as fault:
            failed.append(_refusal(candidate, fault))
    return passed, failed


def _refusal(candidate: Candidate, fault: Exception) -> PluginReport:
    # Logged here, because the guard leaves faults of loading to its caller.
    fields = {"plugin": candidate.name, "distribution": candidate.distribution, "fault": str(fault)}
    _log.error("plugin refused", extra=fields)
    return PluginReport.refused(candidate, fault)
