"""A plugin's functions, found as the host finds them."""

import inspect
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any, Final

from scmhost.sdk.hooks import ARGUMENTS
from scmhost.sdk.markers import HOOK_PREFIX, PROJECT_NAME, PROMISES

from .breaches import near, place_of
from .lane import Lane, text_of

_MARK: Final = f"{PROJECT_NAME}_impl"
_SPEC_MARK: Final = f"{PROJECT_NAME}_spec"
_IMPORT_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class HookFunction:
    """A plugin's function for one hook, with those of the hook's arguments that it takes."""

    hook: str
    function: Callable[..., Any]
    place: str
    wants: tuple[str, ...]
    is_wrapper: bool = False


def loaded(plugin: object) -> tuple[object, str]:
    """A plugin, by itself or by its entry point's name; or nothing, and why it cannot be had."""
    if not isinstance(plugin, str):
        return plugin, ""
    found = {point.name: point for point in entry_points(group=PROJECT_NAME)}
    if plugin not in found:
        known = ", ".join(sorted(found)) or "none"
        return None, f"no installed plugin is named {plugin!r}; installed: {known}"
    run = Lane().run(found[plugin].load, _IMPORT_SECONDS)
    if run.hangs_at is not None:
        return None, f"its import did not end within {_IMPORT_SECONDS:g} s, and is at {run.hangs_at}"
    return (run.value, "") if run.error is None else (None, _failure(run.error))


def hook_functions(plugin: object) -> dict[str, HookFunction]:
    """The marked functions of a plugin that the contract knows, by hook."""
    found: dict[str, HookFunction] = {}
    for name in dir(plugin):
        function = getattr(plugin, name)
        options = getattr(function, _MARK, None)
        if isinstance(options, dict) and inspect.isroutine(function):
            hook = options.get("specname") or name
            if hook in PROMISES:
                wraps = bool(options.get("wrapper") or options.get("hookwrapper"))
                found[hook] = HookFunction(hook, function, place_of(function), _wanted(hook, function), wraps)
    return {hook: found[hook] for hook in PROMISES if hook in found}


def unknown(plugin: object) -> Mapping[str, str]:
    """Marked functions for hooks that the contract does not have, with their places."""
    named = {name: getattr(plugin, name) for name in dir(plugin)}
    marked = {name: (value, getattr(value, _MARK)) for name, value in named.items() if hasattr(value, _MARK)}
    return {
        options.get("specname") or name: place_of(value)
        for name, (value, options) in marked.items()
        if (options.get("specname") or name) not in PROMISES and not options.get("optionalhook")
    }


def unmarked(plugin: object) -> Mapping[str, str]:
    """Functions that look like hooks and are not marked, with their places."""
    named = {name: getattr(plugin, name) for name in dir(plugin) if name.startswith(HOOK_PREFIX)}
    return {
        name: place_of(value)
        for name, value in named.items()
        if inspect.isroutine(value) and not hasattr(value, _MARK) and not hasattr(value, _SPEC_MARK)
    }


def _failure(error: BaseException) -> str:
    """What stopped an import, and in which line."""
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg} ({near(error.filename or '')}:{error.lineno})"
    stack = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith("<")]
    place = f" ({near(stack[-1].filename)}:{stack[-1].lineno})" if stack else ""
    return f"{type(error).__name__}: {text_of(error)}{place}"


def module_of(plugin: object) -> str | None:
    """The module that a plugin is, or stands in; None when it cannot be imported by name."""
    name = plugin.__name__ if inspect.ismodule(plugin) else type(plugin).__module__
    known = sys.modules.get(name)
    return name if known is not None and getattr(known, "__file__", None) and name != "__main__" else None


def _wanted(hook: str, function: Callable[..., Any]) -> tuple[str, ...]:
    return tuple(name for name in ARGUMENTS[hook] if name in inspect.signature(function).parameters)
