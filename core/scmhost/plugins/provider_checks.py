"""Whether a plugin's providers keep what they promise, and whether the operator's settings suit them."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from scmhost.sdk import FEATURE_HOOKS, NoFields, Provider
from scmhost.sdk.hooks import definition

from .errors import ConfigError
from .schema import Settings, Source
from .settings import KeyPath, problems_of
from .variables import with_values

_INSTALL: Final = "scm_install"


def provider_problems(providers: Sequence[Provider], hooks: Collection[str], taken: Mapping[str, str]) -> list[str]:
    """What is wrong with a plugin's providers. ``taken`` maps the keys of other plugins' providers to their owners."""
    problems = [
        f"provider {provider.key!r}: {problem}"
        for provider in providers
        for problem in (*_taken(provider, taken), *_missing_hooks(provider, hooks))
    ]
    return problems + _doubled(providers)


def settings_for(providers: Sequence[Provider], settings: Settings, plugin: str) -> dict[str, BaseModel]:
    """The operator's settings as each provider's model has them, by key. To be run guarded: models are foreign code.

    Under the empty key: the settings of the plugin as a whole, which are those of its first provider.

    Raises:
        ConfigError: a model does not accept them, or the environment lacks a value.
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


def _taken(provider: Provider, taken: Mapping[str, str]) -> Iterator[str]:
    if provider.key in taken:
        yield f"the key is taken by {taken[provider.key]}; choose another key, or enable only one of the two"


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


def _to_write(hooks: Sequence[str]) -> str:
    """What is missing, line by line."""
    return " ".join(f"@hookimpl {definition(hook)}: ..." for hook in hooks)


def _doubled(providers: Sequence[Provider]) -> list[str]:
    times = Counter(provider.key for provider in providers)
    return [f"provider {key!r} is registered {count} times; keep one" for key, count in times.items() if count > 1]
