"""JSON that nobody can change: what goes to one plugin stays as it is for the host and for the next plugin.

The values are still a ``dict`` and a ``list``, so that they compare, print and serialize as JSON does everywhere.
"""

from collections.abc import Mapping
from typing import Any, Final, NoReturn, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class FrozenDict(dict[K, V]):
    """A ``dict`` that refuses to change."""

    __slots__ = ()

    def __copy__(self) -> "FrozenDict[K, V]":
        return self

    def __deepcopy__(self, memo: object) -> "FrozenDict[K, V]":
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return FrozenDict, (dict(self),)


class FrozenList(list[V]):
    """A ``list`` that refuses to change."""

    __slots__ = ()

    def __copy__(self) -> "FrozenList[V]":
        return self

    def __deepcopy__(self, memo: object) -> "FrozenList[V]":
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return FrozenList, (list(self),)


def frozen(value: Any) -> Any:
    """A copy of JSON that refuses to change, at any depth. What is neither an object nor an array is itself."""
    if isinstance(value, Mapping):
        return FrozenDict({key: frozen(item) for key, item in value.items()})
    if isinstance(value, list | tuple):
        return FrozenList(map(frozen, value))
    return value


def _refuse(*_: object, **__: object) -> NoReturn:
    raise TypeError("what a hook gets is frozen; return a new value instead")


_CHANGES: Final = {
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
for _kind, _names in _CHANGES.items():
    for _name in _names:
        setattr(_kind, _name, _refuse)

NOTHING: Final[FrozenDict[str, Any]] = FrozenDict()
