"""Imports a plugin and finds its functions, as foreign code: one at a time, watched, whatever happens."""

import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import partial
from importlib import import_module
from importlib.metadata import EntryPoint
from threading import Lock
from time import perf_counter
from traceback import walk_tb
from types import MappingProxyType, ModuleType
from typing import Any, Final

from scmhost.sdk import HOOK_PREFIX, PROJECT_NAME

from .discovery import Candidate
from .errors import BadPlugin, Origin
from .guard import Guard
from .places import deepest_place, place_of

_MARK: Final = f"{PROJECT_NAME}_impl"
_SPEC_MARK: Final = f"{PROJECT_NAME}_spec"
# Two imports at once can wait for each other's module locks.
_ONE_AT_A_TIME: Final = Lock()
# A process that opens its host again finds the modules in memory.
_IMPORT_MS: Final[dict[str, float]] = {}


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
    """An imported plugin: its functions, and how long its first import in this process took, in milliseconds.

    None where something else has imported it before.
    """

    functions: tuple[HookFunction, ...]
    is_class: bool
    import_ms: float | None


def load(guard: Guard, candidate: Candidate, seconds: float) -> Loaded:
    """Import a plugin.

    Raises:
        BadPlugin: what its entry point names, or a module that it needs, is not there.
        PluginFault: the import fails, hangs or tries to end the process.
    """
    origin = Origin(candidate.name, candidate.distribution, "import")
    with _ONE_AT_A_TIME:
        return guard.watch(origin, partial(_load, candidate), seconds, (BadPlugin,))


def _load(candidate: Candidate) -> Loaded:
    module = EntryPoint(candidate.name, candidate.value, PROJECT_NAME).module
    known = module in sys.modules
    begun = perf_counter()
    plugin = _imported(candidate)
    if not known:
        _IMPORT_MS[module] = (perf_counter() - begun) * 1000
    found = (_hook_function(name, getattr(plugin, name)) for name in dir(plugin))
    return Loaded(tuple(item for item in found if item is not None), inspect.isclass(plugin), _IMPORT_MS.get(module))


def _imported(candidate: Candidate) -> Any:
    point = EntryPoint(candidate.name, candidate.value, PROJECT_NAME)
    try:
        module = import_module(point.module)
    except ModuleNotFoundError as error:
        raise BadPlugin(candidate.name, candidate.where, [_not_found(point.module, error)]) from error
    plugin: Any = module
    for name in filter(None, point.attr.split(".") if point.attr else ()):
        if not hasattr(plugin, name):
            problem = f"the entry point names {point.attr!r}, which {point.module} does not have; {_or(name, module)}"
            raise BadPlugin(candidate.name, candidate.where, [problem])
        plugin = getattr(plugin, name)
    return plugin


def _or(name: str, module: ModuleType) -> str:
    near = get_close_matches(name, vars(module), n=1)
    return f"did you mean {near[0]!r}?" if near else "mend [project.entry-points.scmhost] of the distribution"


def _not_found(module: str, error: ModuleNotFoundError) -> str:
    """Whether the plugin itself is not there, or something that it needs."""
    if error.name and f"{module}.".startswith(f"{error.name}."):
        return (
            f"the entry point names the module {module!r}, and there is no {error.name!r}; reinstall the distribution"
        )
    place = deepest_place((frame, line) for frame, line in walk_tb(error.__traceback__))
    return f"it needs the module {error.name!r}, which is not installed{place}; install it beside the plugin"


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
    return place_of(code.co_filename, code.co_firstlineno) if code is not None else ""
