"""The one place where plugin code runs: bounded in time, with all exceptions caught, results validated, calls counted.

Pure hooks run inline, in the caller's thread. Everything else runs in a worker thread of the plugin, with a deadline.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from threading import current_thread, get_ident, main_thread
from time import monotonic, perf_counter
from types import CoroutineType
from typing import Any, Final, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from scmhost.infra.telemetry import NO_TELEMETRY, Telemetry
from scmhost.plugins.config.redaction import without
from scmhost.plugins.errors import FaultKind, Origin, PluginFault
from scmhost.sdk import HookSpec, ProviderError
from scmhost.sdk.execution import ANY_ADDRESS, DEADLINE, OUTBOUND, OutboundPolicy
from scmhost.sdk.validation import describe_mismatch
from scmhost.sdk.values import own_copy

from .circuit_breaker import CircuitBreaker, Counters, Pauses, Suspension
from .faults import BadResult, current_location, kind_and_detail, safe_provider_error, timed_out
from .inline_calls import COPIED, InlineCalls, OverdueCall, Slot
from .worker_pool import WORKERS_PER_PLUGIN, Expected, Job, PluginLoop, WorkerPool

_log = logging.getLogger(__name__)

T = TypeVar("T")

MOST_VALUES: Final = 100_000
"""How many values, or characters, one result may have."""

_TRUE_LENGTH: Final = frozenset({list, tuple})

_ON_PURPOSE: Final = (ProviderError,)
_LOGGED_BY_CALLER: Final = frozenset(
    {"import", "scm_register_providers", "models", "settings", "scm_startup", "load", "start", "evaluate"}
)
"""Steps whose faults their caller logs: a plugin, a flag service or a configuration is refused for them."""


@dataclass(frozen=True, slots=True)
class Implementation:
    """A plugin's function for one hook, resolved once and ready to be called."""

    origin: Origin
    spec: HookSpec
    function: Callable[..., Any]
    parameters: tuple[str, ...]
    result: TypeAdapter[Any]
    expected: str
    key: tuple[str, str] = field(init=False, compare=False)
    inline: bool = field(init=False, compare=False)
    copied: tuple[str, ...] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        # Every call needs them: they are computed once.
        object.__setattr__(self, "key", (self.origin.plugin, self.origin.hook))
        object.__setattr__(self, "inline", self.spec.kind == "pure")
        object.__setattr__(self, "copied", tuple(name for name in self.parameters if name in COPIED))


class Guard:
    """Calls plugins. The caller gets a validated value, ``ProviderError`` or ``PluginFault``, and nothing else."""

    def __init__(
        self,
        breaker: CircuitBreaker | None = None,
        workers_per_plugin: int = WORKERS_PER_PLUGIN,
        telemetry: Telemetry = NO_TELEMETRY,
        clock: Callable[[], float] = perf_counter,
        outbound: OutboundPolicy = ANY_ADDRESS,
    ) -> None:
        self.counters = Counters()
        self.breaker = breaker or CircuitBreaker()
        self.pauses = Pauses()
        self._workers_per_plugin = workers_per_plugin
        self._telemetry = telemetry
        self._clock = clock
        self._outbound = outbound
        self._pools: dict[str, WorkerPool] = {}
        self._inline: dict[str, InlineCalls] = {}
        self._loops: dict[str, PluginLoop] = {}
        self._secrets: dict[str, frozenset[str]] = {}

    def call(
        self, implementation: Implementation, arguments: Mapping[str, object], secrets: frozenset[str] = frozenset()
    ) -> Any:
        """Call a hook with those of the arguments that it takes. ``secrets`` do not appear in errors of an I/O hook.

        Raises:
            ProviderError: the plugin reported on purpose that it cannot answer.
            PluginFault: it raised, hung, tried to exit or returned a wrong value; it has too many running calls; or it
                is suspended for such faults.
        """
        if not implementation.inline:
            return self.call_in_worker(implementation, arguments, secrets)
        if self._telemetry.on:
            return self._traced(implementation.origin, partial(self._call_inline, implementation, arguments))
        return self._call_inline(implementation, arguments)

    def call_in_worker(
        self, implementation: Implementation, arguments: Mapping[str, object], secrets: frozenset[str] = frozenset()
    ) -> Any:
        """Call a hook in a worker, with a deadline, even if it is pure. Raises as ``call`` does."""
        taken = {
            name: own_copy(arguments[name]) if name in COPIED else arguments[name] for name in implementation.parameters
        }
        work = partial(invoke, implementation, taken, self._loop_of, self._outbound)
        return self.run(implementation.origin, work, implementation.spec.budget, _ON_PURPOSE, secrets)

    def run(
        self,
        origin: Origin,
        work: Callable[[], T],
        seconds: float,
        expected: Expected = (),
        secrets: frozenset[str] = frozenset(),
    ) -> T:
        """Run other plugin code, such as its import, in a worker. ``secrets`` do not appear in its errors.

        Raises:
            PluginFault: as for ``call``. Expected exceptions pass.
        """
        hidden = secrets | self._secrets.get(origin.plugin, frozenset())
        if self._telemetry.on:
            # The job copies the context, so that it is made inside of the span.
            traced = self._traced(
                origin, lambda: self._run_in_worker(Job(origin, work, seconds, expected, hidden)), expected
            )
            return cast("T", traced)
        return cast("T", self._run_in_worker(Job(origin, work, seconds, expected, hidden)))

    def keep_secret(self, plugin: str, secrets: frozenset[str]) -> None:
        """Redact these texts in the plugin's faults from now on."""
        self._secrets[plugin] = secrets

    def report_overdue(self) -> tuple[OverdueCall, ...]:
        """Record the inline calls that have exceeded their budget as faults, once; return those that still run."""
        # Called for each decision: plugins without a running call must cost nothing.
        running = [calls for calls in tuple(self._inline.values()) if len(calls.free) != calls.limit]
        return tuple(found for calls in running for found in self._report_overdue(calls))

    def suspensions(self) -> tuple[Suspension, ...]:
        """Return the suspended hooks, after overdue calls have been recorded as faults."""
        self.report_overdue()
        # Needed for each decision, and there are usually none.
        return self.breaker.suspensions() if self.breaker.circuits else ()

    def close(self) -> None:
        """End all workers. A call that hangs cannot be ended, but nothing waits for it."""
        for pool in list(self._pools.values()):
            pool.close()
        for loop in list(self._loops.values()):
            loop.close()

    def _call_inline(self, implementation: Implementation, arguments: Mapping[str, object]) -> Any:
        """Call in the caller's thread. Every line of this method counts: most links are made here."""
        plugin = implementation.key[0]
        calls = self._inline.get(plugin) or self._inline.setdefault(plugin, InlineCalls(clock=self._clock))
        if len(calls.free) != calls.limit:
            self._report_overdue(calls)
        breaker = self.breaker
        probe = bool(breaker.circuits) and breaker.enter(implementation.origin)
        slot = calls.take()
        if slot is None:
            detail = f"all {len(calls.slots)} calls of its pure hooks at a time are taken and have not come back"
            raise self._busy(implementation.origin, detail, probe=probe)
        taken = {name: arguments[name] for name in implementation.parameters}
        if implementation.copied:
            calls.copies.replace(taken, implementation.copied)
        begun = self._clock()
        # Set before the call: from here on other threads can see that it is overdue.
        slot.call = implementation, begun, get_ident(), probe
        try:
            # A copy: context variables that the plugin sets must not leak into the request.
            result = copy_context().run(invoke, implementation, taken)
        except ProviderError as error:
            self._refused_inline(calls, slot, error)
            raise safe_provider_error(error, self._secrets.get(plugin, ())) from error
        except BaseException as failure:
            fault = self._fault(implementation.origin, *kind_and_detail(failure, self._secrets.get(plugin, ())))
            self._failed_inline(calls, slot, fault)
            # Signals reach the main thread only: there an interrupt is the operator's Ctrl-C, which must not be lost.
            if isinstance(failure, KeyboardInterrupt) and current_thread() is main_thread():
                raise
            raise fault from failure
        seconds = self._clock() - begun
        # A late result is dropped too: the caller must get the same answer as for an overdue call.
        if seconds > implementation.spec.budget or slot.reported is not None:
            detail = f"came back after {seconds:.1f} s; its budget is {implementation.spec.budget:g} s"
            late = PluginFault(implementation.origin, "timed_out", detail)
            self._failed_inline(calls, slot, late)
            raise late
        calls.release(slot)
        self.counters.add(implementation.key, seconds)
        if breaker.circuits:
            breaker.success(implementation.origin, probe=probe)
        return result

    def _failed_inline(self, calls: InlineCalls, slot: Slot, fault: PluginFault) -> None:
        """Record a fault, unless it was recorded while the call was overdue."""
        assert slot.call is not None  # noqa: S101 - only the caller that holds the slot ends its call
        implementation, begun, _, probe = slot.call
        reported = calls.end_reported(slot)
        calls.release(slot)
        if not reported:
            self._record(implementation.origin, self._clock() - begun, fault, probe=probe)

    def _refused_inline(self, calls: InlineCalls, slot: Slot, error: ProviderError) -> None:
        assert slot.call is not None  # noqa: S101 - as above
        implementation, begun, _, probe = slot.call
        reported = calls.end_reported(slot)
        calls.release(slot)
        if not reported:
            self.counters.refuse(implementation.key, self._clock() - begun, error)
            self.breaker.success(implementation.origin, probe=probe)

    def _report_overdue(self, calls: InlineCalls) -> list[OverdueCall]:
        overdue: list[OverdueCall] = []
        for slot, call in calls.find_overdue():
            implementation, begun, thread, probe = call
            origin, budget, seconds = implementation.origin, implementation.spec.budget, self._clock() - begun
            if calls.report(slot, call):
                self._record(origin, seconds, timed_out(origin, budget, thread), probe=probe)
            overdue.append(OverdueCall(*implementation.key, seconds, budget, current_location(thread)))
        return overdue

    def _busy(self, origin: Origin, detail: str, *, probe: bool) -> PluginFault:
        """Return the fault of a call that got no thread. It counts against the hook only if it was a probe."""
        fault = PluginFault(origin, "busy", detail, retry_after=1)
        self.counters.add((origin.plugin, origin.hook), 0.0, fault=True)
        _log_fault(fault)
        if probe:
            self.breaker.fault(origin, fault.detail, probe=True)
        return fault

    def _record(self, origin: Origin, seconds: float, fault: PluginFault, *, probe: bool) -> None:
        self.counters.add((origin.plugin, origin.hook), seconds, fault=True)
        _log_fault(fault)
        self.breaker.fault(origin, fault.detail, probe=probe)

    def _run_in_worker(self, job: Job) -> Any:
        origin = job.origin
        probe = self.breaker.enter(origin)
        begun = self._clock()
        try:
            result = self._result(job, probe=probe)
        except job.expected as error:
            # Other expected errors, as of a form's validation, are answers of the plugin.
            if isinstance(error, ProviderError):
                self.counters.refuse((origin.plugin, origin.hook), self._clock() - begun, error)
            else:
                self.counters.add((origin.plugin, origin.hook), self._clock() - begun)
            self.breaker.success(origin, probe=probe)
            raise
        except PluginFault as fault:
            # A busy fault was counted where it was raised, and is no fault of the hook.
            if fault.kind != "busy":
                self._record(origin, self._clock() - begun, fault, probe=probe)
            raise
        except BaseException:
            # An interrupt of the caller, such as Ctrl-C: no fault of the plugin, but no successful probe either.
            self.counters.add((origin.plugin, origin.hook), self._clock() - begun, fault=True)
            if probe:
                self.breaker.fault(origin, "was interrupted", probe=True)
            raise
        self.counters.add((origin.plugin, origin.hook), self._clock() - begun)
        self.breaker.success(origin, probe=probe)
        return result

    def _result(self, job: Job, *, probe: bool) -> Any:
        origin, budget = job.origin, job.budget
        pool = self._pool_of(origin.plugin)
        # The wait for a worker is not the plugin's work: its own budget begins after it.
        worker = pool.begin(job, patience=budget)
        if worker is None:
            detail = f"all {self._workers_per_plugin} workers are taken by calls that have not come back"
            raise self._busy(origin, detail, probe=probe)
        if not job.done.acquire(timeout=budget):
            pool.give_up(worker, job)
            # Of an asynchronous call, the worker only waits; the plugin's code is in the thread of its loop.
            loop = self._loops.get(origin.plugin)
            raise timed_out(origin, budget, worker.thread.ident, loop.thread_ident if loop else None)
        return job.outcome(self._fault)

    def _pool_of(self, plugin: str) -> WorkerPool:
        pool = self._pools.get(plugin)
        # setdefault keeps the first of two that race; a pool without a worker costs nothing.
        return pool or self._pools.setdefault(plugin, WorkerPool(plugin, self._workers_per_plugin))

    def _loop_of(self, plugin: str) -> PluginLoop:
        loop = self._loops.get(plugin)
        # As with pools: a loop that runs nothing has no thread yet.
        return loop or self._loops.setdefault(plugin, PluginLoop(plugin))

    def _traced(self, origin: Origin, call: Callable[[], Any], expected: Expected = _ON_PURPOSE) -> Any:
        with self._telemetry.operation("hook", plugin=origin.plugin, hook=origin.hook) as operation:
            try:
                return call()
            except PluginFault as fault:
                operation.end(fault.kind, fault=True)
                raise
            except expected:
                operation.end("refused")
                raise

    def _fault(self, origin: Origin, kind: FaultKind, detail: str) -> PluginFault:
        return PluginFault(origin, kind, without(detail, self._secrets.get(origin.plugin, ())))


def _log_fault(fault: PluginFault) -> None:
    """Log a fault once, where it happens."""
    if fault.hook not in _LOGGED_BY_CALLER:
        fields = {"plugin": fault.plugin, "hook": fault.hook, "kind": fault.kind, "error": fault.detail}
        _log.error("plugin fault", extra=fields)


LoopOf = Callable[[str], PluginLoop]
"""Returns the event loop of a plugin by its name."""


def invoke(
    implementation: Implementation,
    arguments: Mapping[str, object],
    loop_of: LoopOf | None = None,
    outbound: OutboundPolicy = ANY_ADDRESS,
) -> Any:
    """Call the function and validate its result. The coroutine of an I/O hook runs on the plugin's loop.

    Raises:
        BadResult: the result does not match the contract.
        AsyncTimeout, LoopBlocked: an asynchronous function could not end in time. What the function raises passes.
    """
    if loop_of is not None:
        DEADLINE.set(monotonic() + implementation.spec.budget)
        OUTBOUND.set(outbound)
    result = implementation.function(**arguments)
    if type(result) is not str or len(result) > MOST_VALUES:
        result = _bounded_result(result, implementation, loop_of)
    try:
        return implementation.result.validate_python(result)
    except ValidationError as error:
        raise BadResult(describe_mismatch(implementation.expected, result, error)) from None


def _bounded_result(result: Any, implementation: Implementation, loop_of: LoopOf | None) -> Any:
    """Return the result, awaited if necessary, or raise when it is too large to be validated."""
    if isinstance(result, CoroutineType):
        # That of a pure hook is closed and then fails the validation: Python warns of those that are never awaited.
        if implementation.inline or loop_of is None:
            result.close()
        else:
            loop = loop_of(implementation.origin.plugin)
            result = loop.run(result, implementation.spec.name, implementation.spec.budget)
    if isinstance(result, str):
        size = str.__len__(result)
    elif isinstance(result, bytes):
        # One value, although it is a sequence. A subclass would run code of the plugin outside of the guard.
        return result if type(result) is bytes else memoryview(result).tobytes()
    elif isinstance(result, Sequence):
        # A foreign sequence may report any length: it is read up to the limit instead.
        result = result if type(result) in _TRUE_LENGTH else list(islice(result, MOST_VALUES + 1))
        size = len(result)
    else:
        return result
    if size > MOST_VALUES:
        raise BadResult(f"returned more than {MOST_VALUES:,} values or characters, which is the limit")
    return result
