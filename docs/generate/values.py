"""The section of hooks.md about the values of the contract."""

import inspect
import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final

from pydantic import BaseModel

from scmhost import sdk

from .fields import default_of, type_of
from .markdown import code, sentence, table

_ATTRIBUTE: Final = re.compile(r"^    (\w+): (.+?)(?=^    \w+: |\Z)", re.MULTILINE | re.DOTALL)
_IN_OTHER_SECTIONS: Final = {"Feature", "Reason"}


def values() -> str:
    """Return the section: every value that a plugin may import, by name."""
    named = [getattr(sdk, name) for name in sdk.__all__ if name not in _IN_OTHER_SECTIONS]
    kinds = [kind for kind in named if inspect.isclass(kind) and issubclass(kind, BaseModel | StrEnum)]
    text = "All values are frozen, reject unknown fields, and are validated again when a hook returns them.\n"
    return "\n".join(["## Values", "", text, *(_value(kind) for kind in kinds if kind is not sdk.Value)])


def _value(kind: type) -> str:
    heading = f"### {kind.__name__}\n\n{sentence(before_attributes(kind))}\n"
    if issubclass(kind, StrEnum):
        members = table(("name", "value"), [(f"`{kind.__name__}.{one.name}`", code(one.value)) for one in kind])
        return f"{heading}\n{members}"
    rows = list(_rows(kind)) if issubclass(kind, BaseModel) else []
    return f"{heading}\n{table(('field', 'type', 'default', ''), rows)}" if rows else heading


def _rows(kind: type[BaseModel]) -> Iterator[tuple[str, ...]]:
    descriptions = attributes_of(kind)
    for name, field in kind.model_fields.items():
        yield code(name), type_of(field), default_of(field), descriptions.get(name, "")


def before_attributes(kind: type) -> str:
    """Return the docstring of a class before the list of its attributes."""
    return (inspect.getdoc(kind) or "").partition("Attributes:")[0].strip()


def attributes_of(kind: type) -> Mapping[str, str]:
    """Return the description of each attribute in a docstring."""
    listed = (inspect.getdoc(kind) or "").partition("Attributes:\n")[2]
    return {name: sentence(text) for name, text in _ATTRIBUTE.findall(listed)}
