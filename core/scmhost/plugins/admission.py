"""Takes a plugin in, or refuses it: looks at everything first and registers last."""

from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import pluggy
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version
from pydantic import BaseModel

from scmhost.sdk import API_VERSION, PROJECT_NAME, HookPromise, Provider, hooks
from scmhost.sdk.hooks import result_adapter, result_text

from .answers import Implementation
from .discovery import Candidate
from .errors import BadPlugin, ConfigError, Incompatible, Origin
from .guard import Guard
from .hiding import secrets_of
from .hook_checks import hook_notes, hook_problems, usable, wanted_arguments
from .loading import HookFunction, load
from .provider_checks import provider_problems, settings_for
from .schema import Settings

_REGISTER: Final = "scm_register_providers"
_SETTINGS_SECONDS: Final = 5.0
_MAJOR: Final = API_VERSION.partition(".")[0]
_NO_RANGE: Final = (
    f"it states no API range and is taken to be written for API {_MAJOR}; "
    f"its author should add the keyword 'scmhost-api>={API_VERSION}' to the distribution"
)
# A range whose lower bound lies above this host's version waits for a newer host.
_LOWER_BOUNDS: Final = frozenset({">", ">=", "==", "===", "~="})


@dataclass(frozen=True, slots=True)
class Admitted:
    """A plugin that passed every check, with all that is needed to call it."""

    candidate: Candidate
    implementations: Mapping[str, Implementation]
    providers: tuple[Provider, ...]
    settings: Mapping[str, BaseModel]
    import_ms: float | None
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Terms:
    """How patient admission is: what each hook promises, and how long an import may take, in seconds."""

    promises: Mapping[str, HookPromise]
    import_seconds: float = 10.0


class Admission:
    """Admits plugins one after another, so that the second claimant of a provider's key is the one refused."""

    def __init__(self, guard: Guard, settings: Settings, terms: Terms) -> None:
        self._guard = guard
        self._settings = settings
        self._terms = terms
        self._owners: dict[str, str] = {}
        self._register = pluggy.PluginManager(PROJECT_NAME)
        self._register.add_hookspecs(hooks)

    def under(self, settings: Settings) -> None:
        """From now on check plugins against these settings."""
        self._settings = settings

    def admit(self, candidate: Candidate, imported: MutableMapping[str, Candidate] | None = None) -> Admitted:
        """Check a plugin, and register it if nothing is wrong. Once its import begins it stands among ``imported``.

        Raises:
            BadPlugin, PluginFault, ConfigError, ProviderError: it is refused, and nothing else has changed.
        """
        self._guard.breakers.forget(candidate.name)
        note = _range_note(candidate)
        if imported is not None:
            imported[candidate.name] = candidate
        loaded = load(self._guard, candidate, self._terms.import_seconds)
        _refuse(candidate, hook_problems(loaded))
        implementations = self._implementations(candidate, usable(loaded))
        providers = self._providers(implementations)
        _refuse(candidate, provider_problems(providers, implementations, self._owners))
        settings = self._provider_settings(candidate, providers)
        self._enter(candidate, implementations, providers)
        notes = (*note, *hook_notes(loaded))
        return Admitted(candidate, implementations, providers, settings, loaded.import_ms, notes)

    def resettled(self, plugin: Admitted) -> Admitted:
        """An admitted plugin under the operator's settings of now.

        Raises:
            PluginFault, ConfigError: they do not suit it.
        """
        return replace(plugin, settings=self._provider_settings(plugin.candidate, plugin.providers))

    def release(self, plugin: Admitted) -> None:
        """Let a plugin go: its name and the keys of its providers are free again."""
        self._register.unregister(name=plugin.candidate.name)
        for provider in plugin.providers:
            del self._owners[provider.key]

    def _implementations(
        self, candidate: Candidate, functions: Mapping[str, HookFunction]
    ) -> dict[str, Implementation]:
        return {hook: self._implementation(candidate, item) for hook, item in functions.items()}

    def _implementation(self, candidate: Candidate, item: HookFunction) -> Implementation:
        return Implementation(
            origin=Origin(candidate.name, candidate.distribution, item.hook),
            promise=self._terms.promises[item.hook],
            function=item.function,
            wants=wanted_arguments(item),
            result=result_adapter(item.hook),
            expected=result_text(item.hook),
        )

    def _providers(self, implementations: Mapping[str, Implementation]) -> tuple[Provider, ...]:
        implementation = implementations.get(_REGISTER)
        return tuple(self._guard.call(implementation, {})) if implementation else ()

    def _provider_settings(self, candidate: Candidate, providers: Sequence[Provider]) -> dict[str, BaseModel]:
        origin = Origin(candidate.name, candidate.distribution, "settings")
        check = partial(settings_for, providers, self._settings, candidate.name)
        written = self._settings.of(candidate.name).settings
        self._guard.keep_secret(candidate.name, secrets_of(written))
        settings = self._guard.watch(origin, check, _SETTINGS_SECONDS, (ConfigError,))
        self._guard.keep_secret(candidate.name, secrets_of(written, *settings.values()))
        return settings

    def _enter(
        self, candidate: Candidate, implementations: Mapping[str, Implementation], providers: Sequence[Provider]
    ) -> None:
        functions = {hook: implementation.function for hook, implementation in implementations.items()}
        try:
            self._register.register(_Functions(functions), candidate.name)
        except pluggy.PluginValidationError as error:
            raise BadPlugin(candidate.name, candidate.where, [str(error)]) from None
        self._owners.update((provider.key, f"plugin {candidate.name!r} ({candidate.where})") for provider in providers)


class _Functions:
    """A plugin's hooks and nothing else: pluggy looks at every attribute of what it registers."""

    def __init__(self, functions: Mapping[str, Any]) -> None:
        vars(self).update(functions)


def _refuse(candidate: Candidate, problems: Sequence[str]) -> None:
    if problems:
        raise BadPlugin(candidate.name, candidate.where, problems)


def _range_note(candidate: Candidate) -> tuple[str, ...]:
    """Check the stated range of contract versions, before anything is imported."""
    if candidate.api_range is None:
        return (_NO_RANGE,)
    try:
        allowed = SpecifierSet(candidate.api_range)
    except InvalidSpecifier:
        problem = f"its API range {candidate.api_range!r} cannot be read; write it like '>=1.0,<2'"
        raise BadPlugin(candidate.name, candidate.where, [problem]) from None
    if not allowed.contains(API_VERSION, prereleases=True):
        raise Incompatible(candidate.name, candidate.where, [_outside(candidate, allowed)])
    return ()


def _outside(candidate: Candidate, allowed: SpecifierSet) -> str:
    side = "scmhost" if _waits_for_newer_host(allowed) else candidate.distribution
    return f"it supports API {candidate.api_range}, this scmhost offers {API_VERSION}; upgrade {side}"


def _waits_for_newer_host(allowed: SpecifierSet) -> bool:
    bounds = [bound.version.removesuffix(".*") for bound in allowed if bound.operator in _LOWER_BOUNDS]
    return any(Version(bound) > Version(API_VERSION) for bound in bounds)
