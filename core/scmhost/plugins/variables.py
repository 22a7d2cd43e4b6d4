"""Settings that stand in the environment: ``{ env = "NAME" }`` in the place of a value.

Only a table that is written in one line, with that one key and the name of a variable in capitals, is taken so. What a
plugin's own setting of that form is can be written under a header of its own.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from .errors import ConfigError, Problem
from .schema import Source
from .toml_lines import Path

_KEY: Final = "env"
_NAME: Final = re.compile(r"[A-Z_][A-Z0-9_]*")


class Variable:
    """A value that the environment has under a name, or None where it has not. Never shown."""

    __slots__ = ("name", "value")

    def __init__(self, name: str, value: str | None) -> None:
        self.name = name
        self.value = value

    def __repr__(self) -> str:
        return f"(from the environment {self.name})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Variable) and (self.name, self.value) == (other.name, other.value)

    def __hash__(self) -> int:
        return hash((self.name, self.value))


def with_variables(settings: Mapping[str, Any], path: Path, source: Source, environ: Mapping[str, str]) -> Any:
    """Settings as written at a path, with a ``Variable`` for each table that names one. An empty value is none."""

    def variable(place: Path, value: Any) -> Any:
        name = value.get(_KEY) if isinstance(value, dict) and len(value) == 1 else None
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            return value
        in_one_line = source.line(*path, *place) == source.line(*path, *place, _KEY)
        return Variable(name, environ.get(name) or None) if in_one_line else value

    return _replaced(settings, variable)


def variables_in(value: Any, place: Path = ()) -> Iterator[tuple[Path, Variable]]:
    """All variables among settings, with their keys; the items of an array have the key of the array."""
    match value:
        case Variable():
            yield place, value
        case dict():
            for name, inner in value.items():
                yield from variables_in(inner, (*place, name))
        case list():
            for inner in value:
                yield from variables_in(inner, place)


def with_values(settings: Mapping[str, Any], path: Path, source: Source) -> Any:
    """Settings with the values of their variables.

    Raises:
        ConfigError: the environment has not all of them.
    """
    absent = [(place, item.name) for place, item in variables_in(settings) if item.value is None]
    if absent:
        raise ConfigError(*(_problem((*path, *place), name, source) for place, name in absent))
    return _replaced(settings, lambda _, value: value.value if isinstance(value, Variable) else value)


def _problem(path: Path, name: str, source: Source) -> Problem:
    hint = f"set {name} where this process is started, or write the value here"
    return Problem(source.file, source.line(*path), ".".join(path), f"the environment has no {name}", hint)


def _replaced(value: Any, replace: Callable[[Path, Any], Any], place: Path = ()) -> Any:
    new = replace(place, value) if place else value
    if isinstance(new, dict):
        return {name: _replaced(inner, replace, (*place, name)) for name, inner in new.items()}
    if isinstance(new, list):
        return [_replaced(inner, replace, place) for inner in new]
    return new
