"""Containers that cannot be changed, and the base of all values of the contract."""

from typing import Any, Final, NoReturn, TypeVar

from pydantic import BaseModel, ConfigDict, JsonValue

_K = TypeVar("_K")
_V = TypeVar("_V")


# Subclasses of dict and list, because json, pydantic and plugins test for these types.
class FrozenDict(dict[_K, _V]):
    """An immutable ``dict``. Every method that would change it raises ``TypeError``."""

    __slots__ = ()

    def __copy__(self) -> "FrozenDict[_K, _V]":
        return self

    def __deepcopy__(self, memo: object) -> "FrozenDict[_K, _V]":
        return self

    # By default pickle fills an empty dict item by item, which is refused.
    def __reduce__(self) -> tuple[Any, ...]:
        return FrozenDict, (dict(self),)


class FrozenList(list[_V]):
    """An immutable ``list``. Every method that would change it raises ``TypeError``."""

    __slots__ = ()

    def __copy__(self) -> "FrozenList[_V]":
        return self

    def __deepcopy__(self, memo: object) -> "FrozenList[_V]":
        return self

    # By default pickle appends the items to an empty list, which is refused.
    def __reduce__(self) -> tuple[Any, ...]:
        return FrozenList, (list(self),)


def _refuse(*_: object, **__: object) -> NoReturn:
    raise TypeError("what a hook gets is frozen; return a new value instead")


# ``|`` and ``+`` are not here: they return a new object.
_MUTATORS: Final = {
    FrozenDict: ("__delitem__", "__ior__", "__setitem__", "clear", "pop", "popitem", "setdefault", "update"),
    FrozenList: (
        "__delitem__",
        "__iadd__",
        "__imul__",
        "__setitem__",
        "append",
        "clear",
        "extend",
        "insert",
        "pop",
        "remove",
        "reverse",
        "sort",
    ),
}
for _kind, _names in _MUTATORS.items():
    for _name in _names:
        setattr(_kind, _name, _refuse)


JsonObject = dict[str, JsonValue]
"""A JSON object: text keys, JSON values."""


class Value(BaseModel):
    """Base of all values: frozen, no unknown fields, validated again between host and plugin."""

    # A plugin can make an instance without validation, with ``model_construct`` or ``model_copy``.
    model_config = ConfigDict(frozen=True, extra="forbid", revalidate_instances="always")
