"""Describe the fields of pydantic models: type, limits, default."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import StrEnum
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

import annotated_types
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from .markdown import code

_NAMES: Final[Mapping[Any, str]] = {
    bool: "boolean",
    str: "string",
    int: "integer",
    Decimal: "number",
    bytes: "bytes",
    NoneType: "none",
    Any: "anything",
    dict: "table",
}
_LIMITS: Final = {
    annotated_types.Ge: "at least {0.ge}",
    annotated_types.Le: "at most {0.le}",
    annotated_types.MinLen: "length at least {0.min_length}",
    annotated_types.MaxLen: "length at most {0.max_length}",
}


_TOML: Final[Mapping[type, Callable[[Any], str]]] = {
    NoneType: lambda _: "",
    StrEnum: lambda value: value.value,
    BaseModel: lambda _: "{}",
    bool: lambda value: str(value).lower(),
    str: lambda value: f'"{value}"',
    type: lambda value: value.__name__,
    tuple: lambda value: str(list(value)),
    frozenset: lambda value: str(sorted(value)),
}


def default_of(field: FieldInfo) -> str:
    """Return a field's default as code, or "required"."""
    return "required" if field.is_required() else code(_toml_default(field))


def type_of(field: FieldInfo) -> str:
    """Return a field's type with its limits: ``integer, at least 1``."""
    return ", ".join([type_text(field.annotation), *_limits(field)])


def _toml_default(field: FieldInfo) -> str:
    """Return a field's default in TOML; empty for None."""
    default = field.get_default(call_default_factory=True, validated_data={})
    written = next((write for kind, write in _TOML.items() if isinstance(default, kind)), str)
    return written(default)


def type_text(kind: Any) -> str:
    """Describe a type. ``None`` in a union is omitted: it only means that the field is optional."""
    origin = get_origin(kind)
    if origin in _ORIGINS:
        return _ORIGINS[origin](kind)
    return _NAMES.get(kind) or f"`{kind.__name__}`"


def _either(kind: Any) -> str:
    return " or ".join(type_text(one) for one in get_args(kind) if one is not NoneType)


def _one_of(kind: Any) -> str:
    return " or ".join(f"`{one}`" for one in get_args(kind))


def _list(kind: Any) -> str:
    return f"list of {type_text(get_args(kind)[0])}"


_ORIGINS: Final[Mapping[Any, Callable[[Any], str]]] = {
    Union: _either,
    UnionType: _either,
    Literal: _one_of,
    Annotated: lambda kind: type_of(FieldInfo.from_annotation(kind)),
    tuple: _list,
    list: _list,
    frozenset: _list,
    dict: lambda _: "table",
    type: lambda _: "a pydantic model",
}


def _limits(field: FieldInfo) -> list[str]:
    limits = [_LIMITS[type(item)].format(item) for item in field.metadata if type(item) in _LIMITS]
    patterns = [item.pattern for item in field.metadata if getattr(item, "pattern", None)]
    return limits + [f"pattern `{pattern}`" for pattern in patterns]
