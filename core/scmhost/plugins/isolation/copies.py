"""Copies of the host's values for hooks: what a hook changes in them never reaches the host or another plugin.

The values are frozen, but Python cannot keep a plugin from writing to the ``__dict__`` of an object that it has.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from pydantic import SecretStr

from scmhost.sdk.frozen import FrozenDict, FrozenList, Value

# A request uses few installations and repositories, each in many calls.
_MOST_KEPT: Final = 512

_REUSED: Final = frozenset({"installation", "repository", "organization"})
_CONTAINERS: Final = (Value, dict, list, tuple, SecretStr)

COPIED: Final = _REUSED | {"location", "repositories", "candidate", "payload", "request", "configuration", "webhook"}
"""The arguments of hooks that the host may read again after the call."""


def own_copy(value: Any) -> Any:
    """Return a copy of a value of the contract, at any depth; other objects, such as settings, as they are."""
    if isinstance(value, Value):
        copied = value.model_copy()
        fields = vars(copied)
        for name, inner in fields.items():
            if isinstance(inner, _CONTAINERS):
                fields[name] = own_copy(inner)
        return copied
    if isinstance(value, dict):
        return FrozenDict({key: own_copy(inner) for key, inner in value.items()})
    if isinstance(value, list):
        return FrozenList(map(own_copy, value))
    if isinstance(value, tuple):
        return tuple(map(own_copy, value))
    return SecretStr(value.get_secret_value()) if isinstance(value, SecretStr) else value


class KeptCopies:
    """The copies that the pure hooks of one plugin get: one of each object for many calls, so that a call is cheap.

    Safe to use from many threads: each step is one operation of a dict.
    """

    def __init__(self) -> None:
        # The original is kept too: another object could get its id.
        self._kept: dict[int, tuple[object, object]] = {}

    def replace(self, arguments: dict[str, object], names: Iterable[str]) -> None:
        """Replace the arguments with these names by copies."""
        kept = self._kept
        for name in names:
            value = arguments[name]
            known = kept.get(id(value))
            # In one line, without a call: this runs for each argument of each link.
            arguments[name] = known[1] if known is not None and known[0] is value else self._copy(name, value)

    def _copy(self, name: str, value: object) -> object:
        copied: object = own_copy(value)
        if name in _REUSED:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[id(value)] = value, copied
        return copied


def copied_arguments(arguments: Mapping[str, object]) -> dict[str, object]:
    """Return the arguments of one call of an I/O hook with copies of the host's values."""
    return {name: own_copy(value) if name in COPIED else value for name, value in arguments.items()}
