"""The one place where foreign code runs: bounded in time, caught whatever it raises, checked, counted and named."""

import asyncio
import sys
import traceback
from collections.abc import Callable, Coroutine, Mapping
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from threading import Lock, Thread
from time import perf_counter
from types import CoroutineType
from typing import Any, Final, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from scmhost.sdk import HookPromise, ProviderError
from scmhost.sdk.specs import misfit

from .counters import Counters
from .errors import FaultKind, Origin, PluginFault
from .lanes import LANES_PER_PLUGIN, Lanes
from .places import deepest_place

T = TypeVar("T")
Meant = tuple[type[Exception], ...]
"""What a plugin may raise on purpose; it reaches the caller unchanged."""

_ENDINGS: Final = (SystemExit, KeyboardInterrupt)


@dataclass(frozen=True, slots=True)
class Implementation:
    """A plugin's function for one hook, resolved once and ready to be called."""

    origin: Origin
    promise: HookPromise
    function: Callable[..., Any]
    wants: tuple[str, ...]
    result: TypeAdapter[Any]
    expected: str


class Guard:
    """Calls plugins. Whatever they do, the caller gets a checked value, ``ProviderError`` or ``PluginFault``."""

    def __init__(self, lanes_per_plugin: int = LANES_PER_PLUGIN) -> None:
        self.counters = Counters()
        self._lanes_per_plugin = lanes_per_plugin
        self._lanes: dict[str, Lanes] = {}

    def call(self, implementation: Implementation, arguments: Mapping[str, object]) -> Any:
        """Call a hook with those of the arguments that it wants.

        Raises:
            ProviderError: the plugin said on purpose that it cannot answer.
            PluginFault: it raised, hung, tried to end the process, gave rubbish, or all its lanes are taken.
        """
        wanted = {name: arguments[name] for name in implementation.wants}
        work = partial(_answer, implementation, wanted)
        return self._counted(implementation.origin, work, implementation.promise.budget, (ProviderError,))

    def watch(self, origin: Origin, work: Callable[[], T], seconds: float, meant: Meant = ()) -> T:
        """Run other foreign code, such as a plugin's import, with the same care.

        Raises:
            PluginFault: as for ``call``. What is ``meant`` passes unchanged.
        """
        return cast("T", self._counted(origin, work, seconds, meant))

    def close(self) -> None:
        """Let all lanes end. What still hangs in one cannot be ended, but keeps nothing else waiting."""
        for lanes in list(self._lanes.values()):
            lanes.close()

    def _counted(self, origin: Origin, work: Callable[[], Any], seconds: float, meant: Meant) -> Any:
        begun = perf_counter()
        fault = True
        try:
            result = self._run(origin, work, seconds, meant)
            fault = False
        except meant:
            fault = False
            raise
        finally:
            self.counters.add(origin, perf_counter() - begun, fault=fault)
        return result

    def _run(self, origin: Origin, work: Callable[[], Any], seconds: float, meant: Meant) -> Any:
        job = _Job(work)
        lanes = self._lanes_of(origin.plugin)
        # Waiting for a lane is not the plugin's work: its own budget begins after it.
        lane = lanes.begin(job, patience=seconds)
        if lane is None:
            detail = f"all {self._lanes_per_plugin} lanes are taken by calls that have not come back"
            raise PluginFault(origin, "busy", detail)
        if not job.done.acquire(timeout=seconds):
            lanes.give_up(lane, job)
            raise _timed_out(origin, seconds, lane.thread)
        return job.outcome(origin, meant)

    def _lanes_of(self, plugin: str) -> Lanes:
        lanes = self._lanes.get(plugin)
        # setdefault keeps the first of two that race; a set of lanes without a thread costs nothing.
        return lanes or self._lanes.setdefault(plugin, Lanes(plugin, self._lanes_per_plugin))


class _Unfit(Exception):
    """The result is not what the contract promises."""


class _LateAsync(Exception):
    """An asynchronous implementation passed its budget and was cancelled."""


class _Job:
    """One piece of foreign work, and what became of it."""

    __slots__ = ("_context", "_failure", "_kind", "_result", "_told", "_work", "done")

    def __init__(self, work: Callable[[], Any]) -> None:
        self.done = Lock()
        self.done.acquire()
        self._work = work
        self._context = copy_context()
        self._failure: BaseException | None = None

    def run(self) -> None:
        """Do the work in a lane."""
        try:
            self._result = self._context.run(self._work)
        except BaseException as failure:  # noqa: BLE001 - the border: anything may come out of a plugin
            # Told here, in the lane and inside the budget: the exception's own text is foreign code too.
            self._kind, self._told = _verdict(failure)
            self._failure = failure

    def outcome(self, origin: Origin, meant: Meant) -> Any:
        """The result, or what was raised. To be asked once, after the work is done."""
        failure = self._failure
        if failure is None:
            return self._result
        try:
            if isinstance(failure, meant):
                raise failure
            raise PluginFault(origin, self._kind, self._told) from failure
        finally:
            # The exception's traceback refers to this job: break the circle.
            self._failure = failure = None


def _answer(implementation: Implementation, arguments: Mapping[str, object]) -> Any:
    result = implementation.function(**arguments)
    if isinstance(result, CoroutineType):
        result = _awaited(result, implementation.promise)
    try:
        return implementation.result.validate_python(result)
    except ValidationError as error:
        raise _Unfit(misfit(implementation.expected, result, error)) from None


def _awaited(coroutine: Coroutine[Any, Any, Any], promise: HookPromise) -> object:
    if promise.colour == "pure":
        coroutine.close()
        return coroutine
    return asyncio.run(_within(coroutine, promise.budget))


async def _within(coroutine: Coroutine[Any, Any, Any], seconds: float) -> object:
    """Cancelled at the budget, so that the lane is free again soon."""
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            return await coroutine
    except TimeoutError:
        if limit.expired():
            raise _LateAsync(f"was cancelled after its budget of {seconds:g} s") from None
        raise


def _verdict(failure: BaseException) -> tuple[FaultKind, str]:
    if isinstance(failure, _Unfit):
        return "bad_result", str(failure)
    if isinstance(failure, _LateAsync):
        return "timed_out", str(failure)
    place = deepest_place((frame, line) for frame, line in traceback.walk_tb(failure.__traceback__))
    if isinstance(failure, _ENDINGS):
        return "exited", f"tried to end the process with {_told(failure)}{place}"
    return "raised", f"raised {_told(failure)}{place}"


def _told(failure: BaseException) -> str:
    """An exception's type and text, if it lets itself be told."""
    try:
        text = str(failure)
    except BaseException:  # noqa: BLE001 - the border: a plugin's exception may raise when it is printed
        text = "a text that cannot be printed"
    return f"{type(failure).__name__}: {text}" if text else type(failure).__name__


def _timed_out(origin: Origin, seconds: float, thread: Thread) -> PluginFault:
    frame = sys._current_frames().get(thread.ident or 0)  # noqa: SLF001 - the documented look into another thread
    stack = list(traceback.walk_stack(frame)) if frame is not None else []
    place = deepest_place(reversed(stack))
    return PluginFault(origin, "timed_out", f"did not come back within its budget of {seconds:g} s{place}")
