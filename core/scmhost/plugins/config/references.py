"""References of plugins' settings to the environment.

``{ env = "NAME" }`` in the place of a plugin's setting refers to the environment variable ``NAME``. Only a table in one
line with that one key and a name in capitals is a reference. A plugin's own setting of that form can be written under
a header of its own.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from scmhost.plugins.errors import ConfigError, Problem

from .schema import KeyPath, Source

_ENV_KEY: Final = "env"
_ENV_NAME: Final = re.compile(r"[A-Z_][A-Z0-9_]*")


class EnvironmentReference:
    """A setting that refers to an environment variable. ``value`` is None while the variable is not set."""

    __slots__ = ("name", "value")

    def __init__(self, name: str, value: str | None) -> None:
        self.name = name
        self.value = value

    # The value is a secret and must not appear in logs or reports.
    def __repr__(self) -> str:
        return f"(from the environment {self.name})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, EnvironmentReference) and (self.name, self.value) == (other.name, other.value)

    def __hash__(self) -> int:
        return hash((self.name, self.value))


def with_references(settings: Mapping[str, Any], path: KeyPath, source: Source, environ: Mapping[str, str]) -> Any:
    """Return settings at a path with an ``EnvironmentReference`` for each table that is one.

    An empty environment variable counts as not set.
    """

    def reference(place: KeyPath, value: Any) -> Any:
        name = value.get(_ENV_KEY) if isinstance(value, dict) and len(value) == 1 else None
        if not isinstance(name, str) or not _ENV_NAME.fullmatch(name):
            return value
        in_one_line = source.line(*path, *place) == source.line(*path, *place, _ENV_KEY)
        return EnvironmentReference(name, environ.get(name) or None) if in_one_line else value

    return _replaced(settings, reference)


def environment_references(value: Any, place: KeyPath = ()) -> Iterator[tuple[KeyPath, EnvironmentReference]]:
    """Yield all references among settings with their keys. Items of an array have the key of the array."""
    match value:
        case EnvironmentReference():
            yield place, value
        case dict():
            for name, inner in value.items():
                yield from environment_references(inner, (*place, name))
        case list():
            for inner in value:
                yield from environment_references(inner, place)


def with_values(settings: Mapping[str, Any], path: KeyPath, source: Source) -> Any:
    """Return settings with the values of their environment references.

    Raises:
        ConfigError: an environment variable is not set.
    """
    absent = [(place, item.name) for place, item in environment_references(settings) if item.value is None]
    if absent:
        raise ConfigError(*(_not_set((*path, *place), name, source) for place, name in absent))
    return _replaced(settings, lambda _, value: value.value if isinstance(value, EnvironmentReference) else value)


def _not_set(path: KeyPath, name: str, source: Source) -> Problem:
    hint = f"set {name} where this process is started, or write the value here"
    return Problem(source.file, source.line(*path), ".".join(path), f"the environment has no {name}", hint)


def _replaced(value: Any, replace: Callable[[KeyPath, Any], Any], place: KeyPath = ()) -> Any:
    new = replace(place, value) if place else value
    if isinstance(new, dict):
        return {name: _replaced(inner, replace, (*place, name)) for name, inner in new.items()}
    if isinstance(new, list):
        return [_replaced(inner, replace, place) for inner in new]
    return new
