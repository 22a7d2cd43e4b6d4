"""Call a plugin's hooks with deadlines, and find the violations that a single call shows."""

import inspect
import traceback
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from pydantic import ValidationError

from scmhost.sdk.errors import ProviderError
from scmhost.sdk.hooks import describe_mismatch, result_adapter, result_text
from scmhost.sdk.markers import PROMISES

from .checks import HookCall, Violation, describe, relative_path, source_location
from .functions import PluginFunction
from .observe import Execution, SuiteWorker, text_of

RESULT_FITS: Final = "result-fits"
ERRORS_DECLARED: Final = "errors-declared"
BUDGET_KEPT: Final = "budget-kept"
ARGUMENTS_UNCHANGED: Final = "arguments-unchanged"
PURE_WITHOUT_IO: Final = "pure-without-io"
HOST_UNREACHABLE: Final = "host-unreachable"

# After one of these violations there is no result to work with.
_WITHOUT_RESULT: Final = frozenset({RESULT_FITS, ERRORS_DECLARED, HOST_UNREACHABLE})


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
    """One call: its violations by check, and its result, if it has one."""

    violations: Mapping[str, Violation]
    result: HookResult | None


class HookCaller:
    """Calls the hooks of one plugin. ``samples`` are named values that shorten reports."""

    def __init__(self, functions: Mapping[str, PluginFunction]) -> None:
        self.samples: dict[str, object] = {}
        self._functions = functions
        self._worker = SuiteWorker()
        self._hanging: dict[str, Violation] = {}

    def call(self, hook: str, arguments: Mapping[str, Any]) -> HookResult:
        """Return the result of a hook.

        Raises:
            Violation: there is no valid result.
        """
        observed = self.observe(hook, arguments)
        if observed.result is None:
            raise next(iter(observed.violations.values()))
        return observed.result

    def observe(self, hook: str, arguments: Mapping[str, Any]) -> ObservedCall:
        """Call a hook with those of the arguments that it takes. A hook that hung once is not called again."""
        if hook in self._hanging:
            return ObservedCall({BUDGET_KEPT: self._hanging[hook]}, None)
        function = self._functions[hook]
        passed = {name: _own_copy(arguments[name]) for name in function.wants if name in arguments}
        before = repr(passed)
        execution = self._execute(function, passed)
        changed = execution.hangs_at is None and repr(passed) != before
        return self._evaluate(function, passed, execution, changed=changed)

    def _execute(self, function: PluginFunction, passed: Mapping[str, Any]) -> Execution:
        """Run the function; once more if it was slow, because the machine may have been busy."""
        budget = PROMISES[function.hook].budget
        work = partial(function.function, **passed)
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
        has_result = not _WITHOUT_RESULT & violations.keys()
        return ObservedCall(violations, HookResult(value, error, call) if has_result else None)


def _problems(function: PluginFunction, execution: Execution) -> dict[str, str]:
    """Return the problems of an execution by check; the first one explains the others."""
    kind, budget = PROMISES[function.hook].colour, PROMISES[function.hook].budget
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
