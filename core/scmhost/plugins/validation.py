"""Load a plugin: check everything on the side, and register it in one step at the end."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Any, Final

import pluggy
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version
from pydantic import BaseModel, ValidationError

from scmhost.sdk import (
    API_VERSION,
    FEATURE_HOOKS,
    HOOK_SPECS,
    PROJECT_NAME,
    HookSpec,
    NoFields,
    Provider,
    hooks,
)
from scmhost.sdk.validation import definition, model_problems, result_adapter, result_text

from .config.reading import problems_of
from .config.redaction import secrets_of
from .config.schema import KeyPath, Settings, Source, with_values
from .discovery import Candidate
from .errors import BadPlugin, ConfigError, Incompatible, Origin
from .isolation.guard import Guard, Implementation
from .loading import IMPORT_SECONDS, HookFunction, hook_notes, hook_problems, load, taken_arguments, usable

_REGISTER: Final = "scm_register_providers"
_INSTALL: Final = "scm_install"
_SETTINGS_SECONDS: Final = 5.0
_MAJOR: Final = API_VERSION.partition(".")[0]
_NO_RANGE: Final = (
    f"it states no API range and is taken to be written for API {_MAJOR}; "
    f"its author should add the keyword 'scmhost-api>={API_VERSION}' to the distribution"
)
# A range whose lower bound is above this host's version needs a newer host.
_LOWER_BOUNDS: Final = frozenset({">", ">=", "==", "===", "~="})


@dataclass(frozen=True, slots=True)
class ValidatedPlugin:
    """A plugin that passed all checks, with everything that its calls need."""

    candidate: Candidate
    implementations: Mapping[str, Implementation]
    providers: tuple[Provider, ...]
    settings: Mapping[str, BaseModel]
    import_ms: float | None
    notes: tuple[str, ...]


class Validator:
    """Loads plugins one after another. Which of them may own a provider key is decided by ``key_conflicts``."""

    def __init__(
        self,
        guard: Guard,
        specs: Mapping[str, HookSpec] = HOOK_SPECS,
        import_seconds: float = IMPORT_SECONDS,
    ) -> None:
        self._guard = guard
        self._specs = specs
        self._import_seconds = import_seconds
        self._pluggy = pluggy.PluginManager(PROJECT_NAME)
        # pluggy checks marks and names once more when a plugin is registered; the guard makes the calls.
        self._pluggy.add_hookspecs(hooks)

    def load(
        self, candidate: Candidate, settings: Settings, imported: MutableMapping[str, Candidate]
    ) -> ValidatedPlugin:
        """Import a plugin, check it, and register it. ``imported`` records it once its import begins.

        Raises:
            BadPlugin, PluginFault, ConfigError, ProviderError: the plugin is refused, and nothing else has changed.
        """
        # A plugin that is loaded again gets a new try; its old faults do not count.
        self._guard.breaker.forget(candidate.name)
        # Before the import: a plugin for another contract may fail in ways that hide the reason.
        note = _range_note(candidate)
        # Before the import: even one that fails leaves modules in memory.
        imported[candidate.name] = candidate
        plugin = load(self._guard, candidate, self._import_seconds)
        _refuse(candidate, hook_problems(plugin))
        implementations = MappingProxyType(
            {hook: self._implementation(candidate, item) for hook, item in usable(plugin).items()}
        )
        providers = self._providers(implementations)
        _refuse(
            candidate, [*provider_problems(providers, implementations), *self._model_problems(candidate, providers)]
        )
        checked = self._settings(candidate, providers, settings)
        self._register(candidate, implementations)
        notes = (*note, *hook_notes(plugin))
        return ValidatedPlugin(candidate, implementations, providers, checked, plugin.import_ms, notes)

    def with_settings(self, plugin: ValidatedPlugin, settings: Settings) -> ValidatedPlugin:
        """Return a loaded plugin with new settings.

        Raises:
            PluginFault, ConfigError: the plugin does not accept them.
        """
        return replace(plugin, settings=self._settings(plugin.candidate, plugin.providers, settings))

    def unload(self, plugin: ValidatedPlugin) -> None:
        """Unregister a plugin: its name is free again."""
        self._pluggy.unregister(name=plugin.candidate.name)

    def _implementation(self, candidate: Candidate, item: HookFunction) -> Implementation:
        return Implementation(
            origin=Origin(candidate.name, candidate.distribution, item.hook),
            spec=self._specs[item.hook],
            function=item.function,
            parameters=taken_arguments(item),
            result=result_adapter(item.hook),
            expected=result_text(item.hook),
        )

    def _providers(self, implementations: Mapping[str, Implementation]) -> tuple[Provider, ...]:
        implementation = implementations.get(_REGISTER)
        # In a worker, though the hook is pure: a plugin that hangs here must not keep the host from starting.
        return tuple(self._guard.call_in_worker(implementation, {})) if implementation else ()

    def _model_problems(self, candidate: Candidate, providers: Sequence[Provider]) -> list[str]:
        origin = Origin(candidate.name, candidate.distribution, "models")
        # In a worker: a model may build its schema with code of the plugin.
        return self._guard.run(
            origin, lambda: [item for provider in providers for item in model_problems(provider)], _SETTINGS_SECONDS
        )

    def _settings(
        self, candidate: Candidate, providers: Sequence[Provider], settings: Settings
    ) -> Mapping[str, BaseModel]:
        origin = Origin(candidate.name, candidate.distribution, "settings")
        check = partial(settings_for, providers, settings, candidate.name)
        written = settings.of(candidate.name).settings
        # Before validation, because the error of a validator may repeat a secret.
        self._guard.keep_secret(candidate.name, secrets_of(written))
        checked = self._guard.run(origin, check, _SETTINGS_SECONDS, (ConfigError,))
        # Again after it: only the validated model marks secrets by type.
        self._guard.keep_secret(candidate.name, secrets_of(written, *checked.values()))
        return MappingProxyType(checked)

    def _register(self, candidate: Candidate, implementations: Mapping[str, Implementation]) -> None:
        functions = {hook: implementation.function for hook, implementation in implementations.items()}
        try:
            self._pluggy.register(_Functions(functions), candidate.name)
        except pluggy.PluginValidationError as error:
            raise BadPlugin(candidate.name, candidate.where, [str(error)]) from None


class _Functions:
    """A plugin's hooks and nothing else: pluggy reads every attribute of an object that it registers."""

    def __init__(self, functions: Mapping[str, Any]) -> None:
        vars(self).update(functions)


def provider_problems(providers: Sequence[Provider], hooks: Collection[str]) -> list[str]:
    """Return the mistakes in a plugin's providers."""
    problems = [
        f"provider {provider.key!r}: {problem}" for provider in providers for problem in _missing_hooks(provider, hooks)
    ]
    times = Counter(provider.key for provider in providers)
    return problems + [
        f"provider {key!r} is registered {count} times; keep one" for key, count in times.items() if count > 1
    ]


def key_conflicts(plugins: Sequence[ValidatedPlugin], settings: Settings) -> dict[Candidate, BadPlugin]:
    """Return the plugins that cannot be loaded because a provider key of theirs belongs to another plugin.

    The result depends on the settings and the plugins alone, not on which of them was loaded first. The plugin with the
    name of the key owns it if the settings state its distribution; else a plugin whose distribution is stated; else the
    first one by ``order`` and name.
    """
    pinned = {name for name, table in settings.plugins.items() if table.distribution and settings.enables(name)}
    owners: dict[str, ValidatedPlugin] = {}
    refused: dict[Candidate, BadPlugin] = {}
    for plugin in sorted(plugins, key=lambda plugin: _precedence(plugin.candidate.name, pinned, settings)):
        candidate = plugin.candidate
        problems = [
            f"provider {provider.key!r}: {taken}; choose another key, or enable only one of the two"
            for provider in plugin.providers
            if (taken := _taken_by(provider.key, candidate.name, owners, pinned, settings))
        ]
        if problems:
            refused[candidate] = BadPlugin(candidate.name, candidate.where, problems)
        else:
            owners.update((provider.key, plugin) for provider in plugin.providers)
    return refused


def _precedence(name: str, pinned: Collection[str], settings: Settings) -> tuple[bool, int, str]:
    return name not in pinned, settings.of(name).order, name


def _taken_by(
    key: str, name: str, owners: Mapping[str, ValidatedPlugin], pinned: Collection[str], settings: Settings
) -> str | None:
    """Return to whom a provider key belongs, if it is another plugin than this one."""
    owner = owners.get(key)
    if owner is not None:
        return f"the key is taken by plugin {owner.candidate.name!r} ({owner.candidate.where})"
    # Also while that plugin cannot be loaded: another one must not get its installations meanwhile.
    if key in pinned and key != name:
        place = settings.source.place("plugins", key, "distribution")
        return f"{place} gives the key to plugin {key!r} of {settings.of(key).distribution}"
    return None


def settings_for(providers: Sequence[Provider], settings: Settings, plugin: str) -> dict[str, BaseModel]:
    """Return the operator's settings as each provider's model reads them, by key. Call it in the guard.

    The empty key has the settings of the plugin as a whole, which are those of its first provider.

    Raises:
        ConfigError: a model refuses them, or an environment variable is not set.
    """
    table = ("plugins", plugin, "settings")
    values = with_values(settings.of(plugin).settings, table, settings.source)
    checked = {provider.key: _checked(provider.settings, values, settings.source, table) for provider in providers}
    first = next(iter(checked.values()), None)
    return {**checked, "": first if first is not None else _checked(NoFields, values, settings.source, table)}


def _checked(model: type[BaseModel], values: Mapping[str, Any], source: Source, table: KeyPath) -> BaseModel:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise ConfigError(*problems_of(error, source, table, model)) from None


def _missing_hooks(provider: Provider, hooks: Collection[str]) -> Iterator[str]:
    if _INSTALL not in hooks:
        yield f"every provider needs {_INSTALL}; write: {_to_write([_INSTALL])}"
    for feature in sorted(provider.features):
        missing = [hook for hook in FEATURE_HOOKS[feature] if hook not in hooks]
        if missing:
            yield (
                f"the feature {feature.value!r} needs {' and '.join(missing)}; write: {_to_write(missing)}; "
                f"or leave Feature.{feature.name} out of its features"
            )


def _to_write(missing: Sequence[str]) -> str:
    return " ".join(f"@hookimpl {definition(hook)}: ..." for hook in missing)


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
    # Prereleases count: plugins are tested against release candidates of the host.
    if not allowed.contains(API_VERSION, prereleases=True):
        bounds = [bound.version.removesuffix(".*") for bound in allowed if bound.operator in _LOWER_BOUNDS]
        needs_newer_host = any(Version(bound) > Version(API_VERSION) for bound in bounds)
        side = "scmhost" if needs_newer_host else candidate.distribution
        problem = f"it supports API {candidate.api_range}, this scmhost offers {API_VERSION}; upgrade {side}"
        raise Incompatible(candidate.name, candidate.where, [problem])
    return ()
