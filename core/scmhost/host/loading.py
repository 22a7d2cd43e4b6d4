"""Imports a plugin and finds its functions, as foreign code: one at a time, watched, whatever happens."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import EntryPoint
from threading import Lock
from time import perf_counter
from types import MappingProxyType
from typing import Any, Final

from scmhost.sdk import HOOK_PREFIX, PROJECT_NAME

from .discovery import Candidate
from .errors import Origin
from .guard import Guard

_MARK: Final = f"{PROJECT_NAME}_impl"
_SPEC_MARK: Final = f"{PROJECT_NAME}_spec"
# Two imports at once can wait for each other's module locks.
_ONE_AT_A_TIME: Final = Lock()


@dataclass(frozen=True, slots=True)
class HookFunction:
    """A plugin's function that is marked as a hook, or that looks as if it should be."""

    name: str
    function: Callable[..., Any]
    marked: bool
    options: MappingProxyType[str, Any]
    where: str
    signature: inspect.Signature | None = field(default=None)

    @property
    def hook(self) -> str:
        """The hook that it is for."""
        return self.options.get("specname") or self.name


@dataclass(frozen=True, slots=True)
class Loaded:
    """An imported plugin: its functions, and how long the import took."""

    functions: tuple[HookFunction, ...]
    is_class: bool
    import_ms: float


def load(guard: Guard, candidate: Candidate, seconds: float) -> Loaded:
    """Import a plugin.

    Raises:
        PluginFault: the import fails, hangs or tries to end the process.
    """
    origin = Origin(candidate.name, candidate.distribution, "import")
    with _ONE_AT_A_TIME:
        return guard.watch(origin, partial(_load, candidate), seconds)


def _load(candidate: Candidate) -> Loaded:
    begun = perf_counter()
    plugin = EntryPoint(candidate.name, candidate.value, PROJECT_NAME).load()
    import_ms = (perf_counter() - begun) * 1000
    found = (_hook_function(name, getattr(plugin, name)) for name in dir(plugin))
    return Loaded(tuple(item for item in found if item is not None), inspect.isclass(plugin), import_ms)


def _hook_function(name: str, value: Any) -> HookFunction | None:
    options = getattr(value, _MARK, None)
    marked = isinstance(options, dict)
    if not marked and not _looks_like_a_hook(name, value):
        return None
    view = MappingProxyType(dict(options) if isinstance(options, dict) else {})
    signature = inspect.signature(value) if inspect.isroutine(value) else None
    return HookFunction(name, value, marked, view, _place(value), signature)


def _looks_like_a_hook(name: str, value: Any) -> bool:
    """The contract's own specifications may be imported by name; they are no hooks of the plugin."""
    return name.startswith(HOOK_PREFIX) and inspect.isroutine(value) and not hasattr(value, _SPEC_MARK)


def _place(value: Any) -> str:
    code = getattr(inspect.unwrap(value), "__code__", None)
    return f" ({code.co_filename}:{code.co_firstlineno})" if code is not None else ""
