"""Calls a plugin's hooks as the host does, and sees which laws a call breaks."""

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

from .breaches import Breach, Call, near, place_of, shown
from .functions import HookFunction
from .lane import Lane, Run, text_of

RESULT_FITS: Final = "result-fits"
ERRORS_TELL: Final = "errors-tell"
BUDGET_KEPT: Final = "budget-kept"
ARGUMENTS_UNCHANGED: Final = "arguments-unchanged"
PURE_STAYS_INSIDE: Final = "pure-stays-inside"
OFFLINE_TOLD: Final = "offline-told"

# Without one of these there is no answer to go on with.
_SILENT: Final = frozenset({RESULT_FITS, ERRORS_TELL, OFFLINE_TOLD})


@dataclass(frozen=True, slots=True)
class Answer:
    """What a hook gave: a value of the contract, or the ``ProviderError`` that it raised on purpose."""

    value: Any
    error: ProviderError | None
    call: Call

    def needed(self) -> Any:
        """The value, where an error will not do."""
        if self.error is not None:
            raise Breach(f"{self.call.hook} refuses: {self.error}", self.call, law=ERRORS_TELL)
        return self.value


@dataclass(frozen=True, slots=True)
class _Seen:
    """One call: what laws it breaks, and its answer if there is one."""

    breaches: Mapping[str, Breach]
    answer: Answer | None


class Caller:
    """Calls one plugin's hooks."""

    def __init__(self, functions: Mapping[str, HookFunction]) -> None:
        self.known: dict[str, object] = {}
        self._functions = functions
        self._lane = Lane()
        self._hung: dict[str, Breach] = {}

    def answer(self, hook: str, arguments: Mapping[str, Any]) -> Answer:
        """The answer of a hook.

        Raises:
            Breach: there is none.
        """
        seen = self.see(hook, arguments)
        if seen.answer is None:
            raise next(iter(seen.breaches.values()))
        return seen.answer

    def see(self, hook: str, arguments: Mapping[str, Any]) -> _Seen:
        """Call a hook with those of the arguments that it wants, and look at everything."""
        if hook in self._hung:
            return _Seen({BUDGET_KEPT: self._hung[hook]}, None)
        item = self._functions[hook]
        wanted = {name: _handed(arguments[name]) for name in item.wants if name in arguments}
        before = repr(wanted)
        run = self._run(item, wanted)
        return self._looked_at(item, wanted, run, changed=run.hangs_at is None and repr(wanted) != before)

    def _run(self, item: HookFunction, wanted: Mapping[str, Any]) -> Run:
        """One run; a second one where the first was too slow, for the machine may have been busy elsewhere."""
        budget = PROMISES[item.hook].budget
        run = self._lane.run(partial(item.function, **wanted), budget)
        return (
            run
            if run.seconds <= budget and run.hangs_at is None
            else self._lane.run(partial(item.function, **wanted), budget)
        )

    def _looked_at(self, item: HookFunction, wanted: Mapping[str, Any], run: Run, *, changed: bool) -> _Seen:
        fitted, misfits = _fitted(item.hook, run)
        call = Call(item.hook, item.place, wanted, _outcome(item, run), self.known)
        told = dict(_told(item, run))
        if misfits:
            told[RESULT_FITS] = misfits
        if changed:
            told[ARGUMENTS_UNCHANGED] = "an argument is not what it was before the call"
        breaches = {law: Breach(found, call, law=law) for law, found in told.items()}
        if run.hangs_at is not None:
            self._hung[item.hook] = breaches[BUDGET_KEPT]
            return _Seen(breaches, None)
        error = run.error if isinstance(run.error, ProviderError) else None
        silent = bool(_SILENT & breaches.keys())
        return _Seen(breaches, None if silent else Answer(fitted, error, call))


def _told(item: HookFunction, run: Run) -> Mapping[str, str]:
    """What the run itself shows, by law. The first that explains the others stands first."""
    promise, told = PROMISES[item.hook], {}
    budget = promise.budget
    if run.hangs_at is not None:
        told[BUDGET_KEPT] = f"it did not come back within {budget:g} s, and is at {run.hangs_at}"
    elif run.seconds > budget:
        told[BUDGET_KEPT] = f"it took {run.seconds:.2f} s, and may take {budget:g} s"
    if run.seen and promise.colour == "pure":
        told[PURE_STAYS_INSIDE] = f"it {run.seen[0].text}"
    if run.error is not None and not isinstance(run.error, ProviderError):
        offline = any(seen.refused for seen in run.seen) and isinstance(run.error, Exception)
        law = OFFLINE_TOLD if offline else ERRORS_TELL
        told[law] = f"{type(run.error).__name__} is no ProviderError"
    return told


def _fitted(hook: str, run: Run) -> tuple[Any, str]:
    """The value as the host would take it, and why it would not."""
    if run.error is not None or run.hangs_at is not None:
        return None, ""
    try:
        return result_adapter(hook).validate_python(run.value), ""
    except ValidationError as error:
        return None, describe_mismatch(result_text(hook), run.value, error)


def _outcome(item: HookFunction, run: Run) -> str:
    if run.hangs_at is not None:
        return "did not come back"
    if run.error is not None:
        return f"raised {type(run.error).__name__}: {text_of(run.error)}{_raised_at(item, run.error)}"
    text = shown(run.value)
    return f"gave back {text if len(text) <= _LONGEST else text[:_LONGEST] + '...'}"


def _raised_at(item: HookFunction, error: BaseException) -> str:
    """The innermost line of the plugin's own folder; what lies deeper is known to nobody who reads this."""
    stack = traceback.extract_tb(error.__traceback__)
    home = str(Path(getattr(inspect.unwrap(item.function), "__code__", place_of.__code__).co_filename).parent)
    own = [frame for frame in stack if frame.filename.startswith(home)] or list(stack)
    return f" ({near(own[-1].filename)}:{own[-1].lineno})" if own else ""


_LONGEST: Final = 400


def _handed(value: Any) -> Any:
    """A value as the host hands it over, and nobody else's: what a plugin does to it stays with this call."""
    own = deepcopy(value)
    return MappingProxyType(own) if isinstance(own, dict) else tuple(own) if isinstance(own, list) else own
