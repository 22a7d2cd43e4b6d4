"""How a broken law is told: what was found, by which call, with the smallest input."""

import inspect
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

_LONGEST: Final = 240


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a plugin's hook, and what came of it. ``known`` are the samples, by their names."""

    hook: str
    place: str
    arguments: Mapping[str, Any]
    outcome: str
    known: Mapping[str, object]

    def __str__(self) -> str:
        told = [f"{name} = {self._shown(value)}" for name, value in self.arguments.items()] or ["no arguments"]
        lines = [f"  called  {self.hook}  {self.place}".rstrip()]
        lines += [f"  {'' if number else 'with':<7} {text}" for number, text in enumerate(told)]
        return "\n".join([*lines, f"  which   {self.outcome}"])

    def _shown(self, value: object) -> str:
        alike = [(name, sample) for name, sample in self.known.items() if type(sample) is type(value)]
        return min((_as(name, sample, value) for name, sample in alike), key=len, default=shown(value))


class Breach(AssertionError):
    """A law is broken. ``law`` is empty where it is the one that was asked about."""

    def __init__(self, found: str, call: Call | None = None, *, law: str = "") -> None:
        super().__init__(found)
        self.found = found
        self.call = call
        self.law = law


def repeated(names: Iterable[str]) -> Mapping[str, int]:
    """The names that come more than once, and how often."""
    return {name: count for name, count in Counter(names).items() if count > 1}


def _as(name: str, sample: object, value: object) -> str:
    """A value as it differs from a sample."""
    if not isinstance(sample, BaseModel) or not isinstance(value, BaseModel):
        return name if sample == value else shown(value)
    fields = {field: getattr(value, field) for field in type(value).model_fields}
    other = [f"{field}={shown(one)}" for field, one in fields.items() if one != getattr(sample, field)]
    return f"{name}, with {', '.join(other)}" if other else name


def shown(value: object) -> str:
    """A value in few words: of the contract's values only what was set."""
    if isinstance(value, BaseModel):
        fields = ((name, getattr(value, name)) for name in type(value).model_fields if name in value.model_fields_set)
        text = f"{type(value).__name__}({', '.join(f'{name}={shown(one)}' for name, one in fields if one is not None)})"
    elif isinstance(value, tuple):
        text = f"({', '.join(map(shown, value))}{',' if len(value) == 1 else ''})"
    else:
        text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}... ({len(text)} characters)"


def place_of(function: object) -> str:
    """``file:line`` of a function, or nothing."""
    code = getattr(inspect.unwrap(function) if callable(function) else function, "__code__", None)
    return f"{near(code.co_filename)}:{code.co_firstlineno}" if code is not None else ""


def near(file: str) -> str:
    """A file's path as somebody in the working directory would write it."""
    path = Path(file)
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else file
