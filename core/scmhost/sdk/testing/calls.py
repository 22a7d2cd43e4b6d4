"""Load a plugin, find its hook functions by the rules of the host, and call them with deadlines.

A call is observed, and its result is validated: a single call already shows several kinds of violation.
"""

import inspect
import math
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from time import monotonic
from types import MappingProxyType
from typing import Any, Final

from pydantic import ValidationError

from scmhost.sdk.errors import ProviderError
from scmhost.sdk.execution import DEADLINE
from scmhost.sdk.hook_specs import API_VERSION, HOOK_PREFIX, PROJECT_NAME
from scmhost.sdk.hooks import HOOK_SPECS
from scmhost.sdk.validation import ARGUMENTS, describe_mismatch, did_you_mean, result_adapter, result_text

from .checks import HookCall, Violation, describe, relative_path, source_location
from .observe import Execution, SuiteWorker, text_of

RESULT_FITS: Final = "result-fits"
ERRORS_DECLARED: Final = "errors-declared"
BUDGET_KEPT: Final = "budget-kept"
ARGUMENTS_UNCHANGED: Final = "arguments-unchanged"
PURE_WITHOUT_IO: Final = "pure-without-io"
HOST_UNREACHABLE: Final = "host-unreachable"

# After one of these violations there is no result to work with.
_WITHOUT_RESULT: Final = frozenset({RESULT_FITS, ERRORS_DECLARED, HOST_UNREACHABLE})

_MARK: Final = f"{PROJECT_NAME}_impl"
_SPEC_MARK: Final = f"{PROJECT_NAME}_spec"
_LOAD_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class PluginFunction:
    """A plugin's function for one hook. ``arguments`` are those of the hook that it takes."""

    hook: str
    function: Callable[..., Any]
    location: str
    arguments: tuple[str, ...]
    is_wrapper: bool = False


@dataclass(frozen=True, slots=True)
class LoadedPlugin:
    """An imported plugin with its attributes; ``error`` is the reason why it could not be imported."""

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
        hook: PluginFunction(
            hook, function, source_location(function), _arguments(hook, function), _is_wrapper(function)
        )
        for hook, name in _marked(attributes)
        if hook in HOOK_SPECS and inspect.isroutine(function := attributes[name])
    }
    return {hook: functions[hook] for hook in HOOK_SPECS if hook in functions}


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
        elif hook not in HOOK_SPECS and not getattr(value, _MARK).get("optionalhook"):
            meant = did_you_mean(hook, HOOK_SPECS)
            yield f"{name} ({source_location(value)}): API {API_VERSION} has no such hook; {meant}"
    for hook, several in names.items():
        if len(several) > 1:
            yield f"{hook} is implemented by {' and by '.join(several)}; keep one"


def compatibility_notes(attributes: Mapping[str, Any]) -> Iterator[str]:
    """Return the functions and arguments that this version of the contract leaves unused."""
    for hook, name in _marked(attributes):
        place = f"{name} ({source_location(attributes[name])})"
        if hook not in HOOK_SPECS:
            yield f"{place}: API {API_VERSION} has no such hook; it is not called"
            continue
        for argument in inspect.signature(attributes[name]).parameters:
            if argument not in ARGUMENTS[hook]:
                yield f"{place}: API {API_VERSION} passes no {argument!r}; its default is used"


def module_of(plugin: object) -> str | None:
    """Return the importable module that a plugin is, or is defined in."""
    name = plugin.__name__ if inspect.ismodule(plugin) else type(plugin).__module__
    module = sys.modules.get(name)
    # A plugin in a script or at a prompt cannot be imported in another process.
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


def has_marks(attributes: Mapping[str, Any]) -> bool:
    """Return whether anything is marked or named like a hook."""
    return any(True for _ in _marked(attributes)) or any(True for _ in marking_problems(attributes))


def _is_marked(value: object) -> bool:
    # A specification of the contract may be imported by name.
    return hasattr(value, _MARK) or hasattr(value, _SPEC_MARK)


def _is_wrapper(function: Callable[..., Any]) -> bool:
    options = getattr(function, _MARK)
    return bool(options.get("wrapper") or options.get("hookwrapper"))


def _arguments(hook: str, function: Callable[..., Any]) -> tuple[str, ...]:
    return tuple(name for name in ARGUMENTS[hook] if name in inspect.signature(function).parameters)


@dataclass(frozen=True, slots=True)
class HookResult:
    """The result of a hook: a value of the contract, or the ``ProviderError`` that it raised."""

    value: Any
    error: ProviderError | None
    call: HookCall

    def required(self) -> Any:
        """Return the value.

        Raises:
            Violation: the hook raised an error.
        """
        if self.error is not None:
            raise Violation(f"{self.call.hook} refuses: {self.error}", self.call, check=ERRORS_DECLARED)
        return self.value


@dataclass(frozen=True, slots=True)
class ObservedCall:
    """One call: its violations by check, its result, if it has one, and whether it tried to use a network."""

    violations: Mapping[str, Violation]
    result: HookResult | None
    offline: bool = False


class HookCaller:
    """Calls the hooks of one plugin. ``samples`` are named values that shorten reports.

    With ``seconds``, an I/O hook reads an earlier deadline than the end of its budget.
    """

    def __init__(self, functions: Mapping[str, PluginFunction], seconds: float = math.inf) -> None:
        self._seconds = seconds
        self.samples: dict[str, object] = {}
        self._functions = functions
        self._worker = SuiteWorker()
        self._hanging: dict[str, Violation] = {}

    def with_deadline(self, seconds: float) -> "HookCaller":
        """Return another caller with this deadline: on the same event loop, and with hooks of its own that hang."""
        other = HookCaller(self._functions, seconds)
        other._worker = self._worker
        return other

    def call(self, hook: str, arguments: Mapping[str, Any]) -> HookResult:
        """Return the result of a hook.

        Raises:
            Violation: there is no valid result.
        """
        observed = self.observe(hook, arguments)
        if observed.result is None:
            raise next(iter(observed.violations.values()))
        return observed.result

    def run(self, work: Callable[[], Any]) -> Execution:
        """Run other code of the plugin, such as that of its models."""
        return self._worker.run(work, _LOAD_SECONDS)

    def observe(self, hook: str, arguments: Mapping[str, Any]) -> ObservedCall:
        """Call a hook with those of the arguments that it takes. A hook that hung once is not called again."""
        if hook in self._hanging:
            return ObservedCall({BUDGET_KEPT: self._hanging[hook]}, None)
        function = self._functions[hook]
        passed = {name: _own_copy(arguments[name]) for name in function.arguments if name in arguments}
        # Compared as text, because an object in the arguments need not define equality.
        before = repr(passed)
        execution = self._execute(function, passed)
        changed = execution.hangs_at is None and repr(passed) != before
        return self._evaluate(function, passed, execution, changed=changed)

    def _execute(self, function: PluginFunction, passed: Mapping[str, Any]) -> Execution:
        """Run the function; once more if it was slow, because the machine may have been busy."""
        budget = HOOK_SPECS[function.hook].budget
        work = partial(_run, function, passed, min(budget, self._seconds))
        execution = self._worker.run(work, budget)
        is_slow = execution.seconds > budget or execution.hangs_at is not None
        return self._worker.run(work, budget) if is_slow else execution

    def _evaluate(
        self, function: PluginFunction, passed: Mapping[str, Any], execution: Execution, *, changed: bool
    ) -> ObservedCall:
        value, misfit_text = _validated(function.hook, execution)
        call = HookCall(function.hook, function.location, passed, _outcome(function, execution), self.samples)
        problems = _problems(function, execution)
        if misfit_text:
            problems[RESULT_FITS] = misfit_text
        if changed:
            problems[ARGUMENTS_UNCHANGED] = "the call changed an argument"
        violations = {name: Violation(problem, call, check=name) for name, problem in problems.items()}
        if execution.hangs_at is not None:
            self._hanging[function.hook] = violations[BUDGET_KEPT]
            return ObservedCall(violations, None)
        error = execution.error if isinstance(execution.error, ProviderError) else None
        result = HookResult(value, error, call) if not _WITHOUT_RESULT & violations.keys() else None
        return ObservedCall(violations, result, any(effect.refused for effect in execution.effects))


def _run(function: PluginFunction, passed: Mapping[str, Any], seconds: float) -> Any:
    if HOOK_SPECS[function.hook].kind == "io":
        DEADLINE.set(monotonic() + seconds)
    return function.function(**passed)


def _problems(function: PluginFunction, execution: Execution) -> dict[str, str]:
    """Return the problems of an execution by check; the first one explains the others."""
    kind, budget = HOOK_SPECS[function.hook].kind, HOOK_SPECS[function.hook].budget
    problems: dict[str, str] = {}
    if execution.hangs_at is not None:
        problems[BUDGET_KEPT] = f"it did not return within {budget:g} s, and is at {execution.hangs_at}"
    elif execution.seconds > budget:
        problems[BUDGET_KEPT] = f"it took {execution.seconds:.2f} s; its budget is {budget:g} s"
    if execution.effects and kind == "pure":
        problems[PURE_WITHOUT_IO] = f"it {execution.effects[0].text}"
    if execution.error is not None and not isinstance(execution.error, ProviderError):
        offline = any(effect.refused for effect in execution.effects) and isinstance(execution.error, Exception)
        name = HOST_UNREACHABLE if offline else ERRORS_DECLARED
        problems[name] = f"{type(execution.error).__name__} is not a ProviderError"
    return problems


def _validated(hook: str, execution: Execution) -> tuple[Any, str]:
    """Return the value as the host validates it, or why it is invalid."""
    if execution.error is not None or execution.hangs_at is not None:
        return None, ""
    try:
        return result_adapter(hook).validate_python(execution.value), ""
    except ValidationError as error:
        return None, describe_mismatch(result_text(hook), execution.value, error)


def _outcome(function: PluginFunction, execution: Execution) -> str:
    if execution.hangs_at is not None:
        return "did not return"
    if execution.error is not None:
        raised = f"raised {type(execution.error).__name__}: {text_of(execution.error)}"
        return f"{raised}{_raised_at(function, execution.error)}"
    return f"returned {describe(execution.value)}"


def _raised_at(function: PluginFunction, error: BaseException) -> str:
    """Return the innermost line in the plugin's own folder; deeper lines are not its author's."""
    stack = traceback.extract_tb(error.__traceback__)
    code = getattr(inspect.unwrap(function.function), "__code__", source_location.__code__)
    folder = str(Path(code.co_filename).parent)
    own = [frame for frame in stack if frame.filename.startswith(folder)] or list(stack)
    return f" ({relative_path(own[-1].filename)}:{own[-1].lineno})" if own else ""


def _own_copy(value: Any) -> Any:
    """Return a deep copy in the types that the host passes, so that calls cannot affect each other."""
    copy = deepcopy(value)
    return MappingProxyType(copy) if isinstance(copy, dict) else tuple(copy) if isinstance(copy, list) else copy
