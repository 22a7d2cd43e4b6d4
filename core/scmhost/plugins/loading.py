"""Import a plugin, find its hook functions, and check them against the contract.

The import runs in the guard, one plugin at a time.
"""

import inspect
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from importlib import import_module
from importlib.metadata import EntryPoint
from inspect import Parameter
from threading import Lock
from time import perf_counter
from traceback import walk_tb
from types import MappingProxyType, ModuleType
from typing import Any, Final

from scmhost.sdk import API_VERSION, HOOK_PREFIX, HOOK_SPECS, PROJECT_NAME
from scmhost.sdk.validation import ARGUMENTS, definition, did_you_mean, unusable_object

from .discovery import Candidate
from .errors import BadPlugin, Origin
from .isolation.faults import innermost_location, location_text
from .isolation.guard import Guard

IMPORT_SECONDS: Final = 10.0
"""How long the import of a plugin may take."""

_MARK: Final = f"{PROJECT_NAME}_impl"
_SPEC_MARK: Final = f"{PROJECT_NAME}_spec"
# Two imports at once can wait for each other's module locks.
_ONE_AT_A_TIME: Final = Lock()
# The time of the first import in milliseconds: a process that opens its host again finds the modules in memory.
_IMPORT_MS: Final[dict[str, float]] = {}

_REFUSED_KINDS: Final = {
    Parameter.POSITIONAL_ONLY: "{0!r} is positional only; arguments are passed by name: remove the /",
    Parameter.KEYWORD_ONLY: "{0!r} is keyword only; remove the * before it",
    Parameter.VAR_POSITIONAL: "*{0} would stay empty; name the arguments that you want",
    Parameter.VAR_KEYWORD: "**{0} would stay empty; name the arguments that you want",
}


@dataclass(frozen=True, slots=True)
class HookFunction:
    """A plugin's function that is marked as a hook, or whose name begins like a hook's."""

    name: str
    function: Callable[..., Any]
    marked: bool
    options: MappingProxyType[str, Any]
    signature: inspect.Signature | None = None

    @property
    def hook(self) -> str:
        """The hook that it implements."""
        return self.options.get("specname") or self.name

    @property
    def title(self) -> str:
        """Its name with file and line, for messages."""
        code = getattr(inspect.unwrap(self.function), "__code__", None)
        return self.name + (location_text(code.co_filename, code.co_firstlineno) if code is not None else "")


@dataclass(frozen=True, slots=True)
class ImportedPlugin:
    """An imported plugin: its hook functions, and the time of its first import in this process.

    ``import_ms`` is in milliseconds; None where something else imported the module before. ``unusable`` describes an
    entry point that names no plugin at all.
    """

    functions: tuple[HookFunction, ...]
    import_ms: float | None
    unusable: str = ""


def load(guard: Guard, candidate: Candidate, seconds: float) -> ImportedPlugin:
    """Import a plugin.

    Raises:
        BadPlugin: what its entry point names, or a module that it needs, is not there.
        PluginFault: the import fails, hangs or tries to end the process.
    """
    origin = Origin(candidate.name, candidate.distribution, "import")
    # The lock is taken outside of the budget: waiting for another plugin is not this plugin's fault.
    with _ONE_AT_A_TIME:
        return guard.run(origin, partial(_load, candidate), seconds, (BadPlugin,))


def _load(candidate: Candidate) -> ImportedPlugin:
    module = EntryPoint(candidate.name, candidate.value, PROJECT_NAME).module
    # The time of a module that is already in memory would be misleading.
    known = module in sys.modules
    begun = perf_counter()
    plugin = _imported(candidate)
    if not known:
        _IMPORT_MS[module] = (perf_counter() - begun) * 1000
    found = (_hook_function(name, getattr(plugin, name)) for name in dir(plugin))
    functions = tuple(item for item in found if item is not None)
    return ImportedPlugin(functions, _IMPORT_MS.get(module), unusable_object(plugin, has_hooks=bool(functions)))


def _imported(candidate: Candidate) -> Any:
    point = EntryPoint(candidate.name, candidate.value, PROJECT_NAME)
    try:
        module = import_module(point.module)
    except ModuleNotFoundError as error:
        raise BadPlugin(candidate.name, candidate.where, [_missing_module(point.module, error)]) from error
    plugin: Any = module
    for name in filter(None, point.attr.split(".") if point.attr else ()):
        # Attributes are read in the guard: a module's ``__getattr__`` is code of the plugin.
        if not hasattr(plugin, name):
            hint = _entry_point_hint(name, module)
            problem = f"the entry point names {point.attr!r}, which {point.module} does not have; {hint}"
            raise BadPlugin(candidate.name, candidate.where, [problem])
        plugin = getattr(plugin, name)
    return plugin


def _entry_point_hint(name: str, module: ModuleType) -> str:
    near = get_close_matches(name, vars(module), n=1)
    return f"did you mean {near[0]!r}?" if near else "fix [project.entry-points.scmhost] of the distribution"


def _missing_module(module: str, error: ModuleNotFoundError) -> str:
    """Describe whether the plugin itself is missing, or a module that it imports."""
    if error.name and f"{module}.".startswith(f"{error.name}."):
        return (
            f"the entry point names the module {module!r}, and there is no {error.name!r}; reinstall the distribution"
        )
    place = innermost_location((frame, line) for frame, line in walk_tb(error.__traceback__))
    return f"it needs the module {error.name!r}, which is not installed{place}; install it beside the plugin"


def _hook_function(name: str, value: Any) -> HookFunction | None:
    options = getattr(value, _MARK, None)
    marked = isinstance(options, dict)
    if not marked and not _has_hook_name(name, value):
        return None
    view = MappingProxyType(dict(options) if isinstance(options, dict) else {})
    # Other callables may have a signature that runs code or raises.
    signature = inspect.signature(value) if inspect.isroutine(value) else None
    return HookFunction(name, value, marked, view, signature)


def _has_hook_name(name: str, value: Any) -> bool:
    # A plugin may import the contract's own specifications by name.
    return name.startswith(HOOK_PREFIX) and inspect.isroutine(value) and not hasattr(value, _SPEC_MARK)


def hook_problems(plugin: ImportedPlugin) -> list[str]:
    """Return all mistakes in a plugin's functions, with file and line."""
    if plugin.unusable:
        return [f"the entry point names {plugin.unusable}"]
    problems = [f"{item.title}: {problem}" for item in plugin.functions for problem in _problems(item)]
    return problems + _duplicates(plugin)


def usable(plugin: ImportedPlugin) -> dict[str, HookFunction]:
    """Return the functions of a plugin without problems, by hook, without optional hooks of a later contract."""
    return {item.hook: item for item in plugin.functions if item.hook in HOOK_SPECS}


def taken_arguments(item: HookFunction) -> tuple[str, ...]:
    """Return the hook's arguments that a function takes."""
    return tuple(name for name in ARGUMENTS[item.hook] if item.signature and name in item.signature.parameters)


def hook_notes(plugin: ImportedPlugin) -> list[str]:
    """Return remarks for the plugin's author about functions without mistakes."""
    late = [item for item in plugin.functions if item.hook not in HOOK_SPECS]
    notes = [f"{item.title}: API {API_VERSION} has no such hook; it is not called" for item in late]
    for item in usable(plugin).values():
        notes += [
            f"{item.title}: API {API_VERSION} passes no {name!r}; its default is used"
            for name in _unknown_arguments(item)
        ]
    return notes


def _problems(item: HookFunction) -> Iterator[str]:
    for check in _CHECKS:
        found = list(check(item))
        if found:
            yield from found[:-1]
            yield _with_expected(found[-1], item.hook) if check in _SIGNATURE_CHECKS else found[-1]
            return


def _check_mark(item: HookFunction) -> Iterator[str]:
    if not item.marked:
        yield "it is not marked and would not be called; write @hookimpl above it, or give it another name"
    elif item.signature is None:
        yield "only functions and methods can be hooks; put @hookimpl on a def"


def _check_hook_name(item: HookFunction) -> Iterator[str]:
    # With optionalhook a plugin can support a later contract and still load here.
    if item.hook not in HOOK_SPECS and not item.options.get("optionalhook"):
        yield (
            f"API {API_VERSION} has no hook {item.hook!r}; {did_you_mean(item.hook, HOOK_SPECS)} "
            "For a hook of a later version write @hookimpl(optionalhook=True), or require that version: "
            "'scmhost-api>=...' among the distribution's keywords"
        )


def _check_no_wrapper(item: HookFunction) -> Iterator[str]:
    # A wrapper would see the arguments and results of other plugins, secrets included.
    if item.options.get("wrapper") or item.options.get("hookwrapper"):
        yield "wrappers around other plugins' hooks are not allowed; write a plain @hookimpl"


def _check_parameters(item: HookFunction) -> Iterator[str]:
    for parameter in _signature(item).parameters.values():
        if parameter.kind in _REFUSED_KINDS:
            yield _REFUSED_KINDS[parameter.kind].format(parameter.name)


def _check_arguments(item: HookFunction) -> Iterator[str]:
    known = ARGUMENTS.get(item.hook)
    if known is None:
        return
    for name, parameter in _signature(item).parameters.items():
        # A default makes an argument of a later contract optional.
        if name not in known and parameter.default is Parameter.empty:
            yield f"the hook has no argument {name!r}; {did_you_mean(name, known)}"


def _check_kind(item: HookFunction) -> Iterator[str]:
    spec = HOOK_SPECS.get(item.hook)
    if inspect.isasyncgenfunction(item.function):
        yield "it is an asynchronous generator; return one value instead of yielding"
    # Pure hooks run in the caller's thread, where a loop may be running already.
    elif spec and spec.kind == "pure" and inspect.iscoroutinefunction(item.function):
        yield "this hook is pure and may not wait; write def instead of async def, and no await"


def _with_expected(problem: str, hook: str) -> str:
    """Return a problem with the definition of the hook, whose arguments may all be left out."""
    if hook not in HOOK_SPECS:
        return problem
    end = "" if problem.endswith("?") else "."
    return f"{problem}{end} Expected, with the arguments that you need: {definition(hook)}"


def _unknown_arguments(item: HookFunction) -> list[str]:
    return [name for name in _signature(item).parameters if name not in ARGUMENTS[item.hook]]


def _signature(item: HookFunction) -> inspect.Signature:
    return item.signature or inspect.Signature()


def _duplicates(plugin: ImportedPlugin) -> list[str]:
    # pluggy would call both; the host expects one result per hook and plugin.
    marked = [item for item in plugin.functions if item.marked]
    times = Counter(item.hook for item in marked)
    problems = []
    for hook in (hook for hook, count in times.items() if count > 1):
        titles = " and ".join(item.title for item in marked if item.hook == hook)
        problems.append(f"{hook} is implemented {times[hook]} times, by {titles}; keep one")
    return problems


_CHECKS: Final[tuple[Callable[[HookFunction], Iterator[str]], ...]] = (
    _check_mark,
    _check_hook_name,
    _check_no_wrapper,
    _check_parameters,
    _check_arguments,
    _check_kind,
)
_SIGNATURE_CHECKS: Final = frozenset({_check_parameters, _check_arguments, _check_kind})
