"""Load a plugin and find its hook functions by the rules of the host."""

import inspect
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

from scmhost.sdk.hooks import ARGUMENTS
from scmhost.sdk.markers import HOOK_PREFIX, PROJECT_NAME, PROMISES
from scmhost.sdk.version import API_VERSION

from .checks import relative_path, source_location
from .observe import SuiteWorker, text_of

_MARK: Final = f"{PROJECT_NAME}_impl"
_SPEC_MARK: Final = f"{PROJECT_NAME}_spec"
_LOAD_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class PluginFunction:
    """A plugin's function for one hook. ``wants`` are the arguments of the hook that it takes."""

    hook: str
    function: Callable[..., Any]
    location: str
    wants: tuple[str, ...]
    is_wrapper: bool = False


@dataclass(frozen=True, slots=True)
class LoadedPlugin:
    """An imported plugin with its attributes; ``error`` says why it could not be imported."""

    implementation: object
    attributes: Mapping[str, Any]
    error: str = ""


def load(plugin: object) -> LoadedPlugin:
    """Load a plugin: a module or object, an entry point, or the name of an installed entry point."""
    if isinstance(plugin, str):
        installed = {point.name: point for point in entry_points(group=PROJECT_NAME)}
        if plugin not in installed:
            names = ", ".join(sorted(installed)) or "none"
            return LoadedPlugin(None, {}, f"no installed plugin is named {plugin!r}; installed: {names}")
        plugin = installed[plugin]
    work = SuiteWorker().run(lambda: _load(plugin), _LOAD_SECONDS)
    if work.hangs_at is not None:
        return LoadedPlugin(None, {}, f"its import did not end within {_LOAD_SECONDS:g} s, and is at {work.hangs_at}")
    if work.error is not None:
        return LoadedPlugin(None, {}, _load_failure(work.error))
    loaded: LoadedPlugin = work.value
    return loaded


def hook_functions(attributes: Mapping[str, Any]) -> dict[str, PluginFunction]:
    """Return the marked functions for hooks of the contract, by hook, in the order of the contract."""
    functions = {
        hook: PluginFunction(hook, function, source_location(function), _wanted(hook, function), _is_wrapper(function))
        for hook, name in _marked(attributes)
        if hook in PROMISES and inspect.isroutine(function := attributes[name])
    }
    return {hook: functions[hook] for hook in PROMISES if hook in functions}


def marking_problems(attributes: Mapping[str, Any]) -> Iterator[str]:
    """Return what is wrong with the marks of a plugin's functions, with their locations."""
    for name, value in attributes.items():
        if name.startswith(HOOK_PREFIX) and inspect.isroutine(value) and not _is_marked(value):
            yield f"{name} ({source_location(value)}) is not marked and would not be called; write @hookimpl above it"
    names: dict[str, list[str]] = {}
    for hook, name in _marked(attributes):
        value = attributes[name]
        names.setdefault(hook, []).append(name)
        if not inspect.isroutine(value):
            yield f"{name}: only functions and methods can be hooks; put @hookimpl on a def"
        elif hook not in PROMISES and not getattr(value, _MARK).get("optionalhook"):
            meant = did_you_mean(hook, PROMISES)
            yield f"{name} ({source_location(value)}): API {API_VERSION} has no such hook; {meant}"
    for hook, several in names.items():
        if len(several) > 1:
            yield f"{hook} is implemented by {' and by '.join(several)}; keep one"


def compatibility_notes(attributes: Mapping[str, Any]) -> Iterator[str]:
    """Return the functions and arguments that this version of the contract leaves unused."""
    for hook, name in _marked(attributes):
        place = f"{name} ({source_location(attributes[name])})"
        if hook not in PROMISES:
            yield f"{place}: API {API_VERSION} has no such hook; it is not called"
            continue
        for argument in inspect.signature(attributes[name]).parameters:
            if argument not in ARGUMENTS[hook]:
                yield f"{place}: API {API_VERSION} passes no {argument!r}; its default is used"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a hint with the nearest known name, or with all of them when none is near."""
    names = sorted(known)
    near = get_close_matches(name, names, n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"known are {', '.join(names)}" if names else "none is known"


def module_of(plugin: object) -> str | None:
    """Return the importable module that a plugin is, or is defined in."""
    name = plugin.__name__ if inspect.ismodule(plugin) else type(plugin).__module__
    module = sys.modules.get(name)
    return name if module is not None and getattr(module, "__file__", None) and name != "__main__" else None


def _load(plugin: object) -> LoadedPlugin:
    implementation = plugin.load() if isinstance(plugin, EntryPoint) else plugin
    # Attributes are read here, guarded: a property of the plugin may raise.
    return LoadedPlugin(implementation, {name: getattr(implementation, name) for name in dir(implementation)})


def _load_failure(error: BaseException) -> str:
    """Return what stopped an import, and in which line."""
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg} ({relative_path(error.filename or '')}:{error.lineno})"
    stack = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith("<")]
    place = f" ({relative_path(stack[-1].filename)}:{stack[-1].lineno})" if stack else ""
    return f"{type(error).__name__}: {text_of(error)}{place}"


def _marked(attributes: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Return hook and attribute name of all that is marked as a hook implementation."""
    for name, value in attributes.items():
        options = getattr(value, _MARK, None)
        if isinstance(options, dict):
            yield options.get("specname") or name, name


def _is_marked(value: object) -> bool:
    # A specification of the contract may be imported by name.
    return hasattr(value, _MARK) or hasattr(value, _SPEC_MARK)


def _is_wrapper(function: Callable[..., Any]) -> bool:
    options = getattr(function, _MARK)
    return bool(options.get("wrapper") or options.get("hookwrapper"))


def _wanted(hook: str, function: Callable[..., Any]) -> tuple[str, ...]:
    return tuple(name for name in ARGUMENTS[hook] if name in inspect.signature(function).parameters)
