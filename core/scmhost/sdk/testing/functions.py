"""A plugin's functions, found as the host finds them."""

import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any, Final

from scmhost.sdk.markers import HOOK_PREFIX, PROJECT_NAME, PROMISES
from scmhost.sdk.specs import ARGUMENTS

from .breaches import place_of

_MARK: Final = f"{PROJECT_NAME}_impl"
_SPEC_MARK: Final = f"{PROJECT_NAME}_spec"


@dataclass(frozen=True, slots=True)
class HookFunction:
    """A plugin's function for one hook, with those of the hook's arguments that it takes."""

    hook: str
    function: Callable[..., Any]
    place: str
    wants: tuple[str, ...]


def plugin_named(name: str) -> object:
    """The plugin behind an entry point's name.

    Raises:
        LookupError: no installed distribution has it.
    """
    found = {point.name: point for point in entry_points(group=PROJECT_NAME)}
    if name not in found:
        known = ", ".join(sorted(found)) or "none"
        raise LookupError(f"no installed plugin is named {name!r} (installed: {known}); run: pip install --editable .")
    return found[name].load()


def hook_functions(plugin: object) -> dict[str, HookFunction]:
    """The marked functions of a plugin that the contract knows, by hook."""
    found: dict[str, HookFunction] = {}
    for name in dir(plugin):
        function = getattr(plugin, name)
        options = getattr(function, _MARK, None)
        if isinstance(options, dict) and inspect.isroutine(function):
            hook = options.get("specname") or name
            if hook in PROMISES:
                found[hook] = HookFunction(hook, function, place_of(function), _wanted(hook, function))
    return {hook: found[hook] for hook in PROMISES if hook in found}


def unmarked(plugin: object) -> Mapping[str, str]:
    """Functions that look like hooks and are not marked, with their places."""
    named = {name: getattr(plugin, name) for name in dir(plugin) if name.startswith(HOOK_PREFIX)}
    return {
        name: place_of(value)
        for name, value in named.items()
        if inspect.isroutine(value) and not hasattr(value, _MARK) and not hasattr(value, _SPEC_MARK)
    }


def module_of(plugin: object) -> str | None:
    """The module that a plugin is, or stands in; None when it cannot be imported by name."""
    name = plugin.__name__ if inspect.ismodule(plugin) else type(plugin).__module__
    known = sys.modules.get(name)
    return name if known is not None and getattr(known, "__file__", None) and name != "__main__" else None


def _wanted(hook: str, function: Callable[..., Any]) -> tuple[str, ...]:
    return tuple(name for name in ARGUMENTS[hook] if name in inspect.signature(function).parameters)
