"""The one place where foreign code runs: bounded in time, caught whatever it raises, checked, counted and named."""

import sys
import traceback
from collections.abc import Callable, Mapping
from contextvars import copy_context
from functools import partial
from threading import Lock, get_ident, main_thread
from time import perf_counter
from typing import Any, Final, TypeVar, cast

import structlog

from scmhost.infra.telemetry import SILENT, Telemetry
from scmhost.sdk import ProviderError

from .answers import Implementation, LateAsync, Unfit, answer, overdue
from .breakers import Breakers
from .counters import Counters
from .errors import FaultKind, Origin, PluginFault
from .hiding import without
from .lanes import LANES_PER_PLUGIN, Lanes
from .output import stand_in
from .places import deepest_place
from .speakers import SPEAKER, Speaker, Threads, watch_threads
from .trust import Seat, Trust

_log = structlog.get_logger(__name__)

T = TypeVar("T")
Meant = tuple[type[Exception], ...]
"""What a plugin may raise on purpose; it reaches the caller unchanged."""

_ENDINGS: Final = (SystemExit, KeyboardInterrupt)
_ON_PURPOSE: Final = (ProviderError,)
_TOLD_ELSEWHERE: Final = frozenset(
    {"import", "scm_register_providers", "settings", "scm_startup", "load", "start", "ask"}
)
"""Steps of which the log tells otherwise: a plugin, a flag service or a switchboard is refused for them."""

_MAIN: Final = main_thread().ident


class Guard:
    """Calls plugins. Whatever they do, the caller gets a checked value, ``ProviderError`` or ``PluginFault``."""

    def __init__(
        self,
        breakers: Breakers | None = None,
        lanes_per_plugin: int = LANES_PER_PLUGIN,
        telemetry: Telemetry = SILENT,
    ) -> None:
        self.counters = Counters()
        self.breakers = breakers or Breakers()
        self.threads = Threads()
        self._lanes_per_plugin = lanes_per_plugin
        self._lanes: dict[str, Lanes] = {}
        self._seats: dict[str, Seat] = {}
        self._telemetry = telemetry
        self._secrets: dict[str, frozenset[str]] = {}
        watch_threads()

    def call(self, implementation: Implementation, arguments: Mapping[str, object], *, told: bool = False) -> Any:
        """Call a hook with those of the arguments that it wants. ``told``: whoever listens knows of it already.

        Raises:
            ProviderError: the plugin said on purpose that it cannot answer.
            PluginFault: it raised, hung, tried to end the process, gave rubbish, all its lanes are taken, or it is
                suspended because it did such things before.
        """
        origin, promise = implementation.origin, implementation.promise
        if self._telemetry.on and not told:
            return self._tell(origin, partial(self.call, implementation, arguments, told=True), _ON_PURPOSE)
        wanted = {name: arguments[name] for name in implementation.wants}
        seat = implementation.trust.seat
        if seat is not None:
            thread = get_ident()
            # The main thread is never lent: signals arrive there, and a command or an event loop must come back to it.
            if thread != _MAIN and seat.lock.acquire(False):  # noqa: FBT003 - by name it takes as long as the call
                return self._in_seat(seat, implementation, wanted, thread)
            self._look_at(seat)
        job = self._job(origin, partial(answer, implementation, wanted), promise.budget, _ON_PURPOSE)
        return self._in_lane(job, implementation.trust if promise.colour == "pure" else None)

    def watch(self, origin: Origin, work: Callable[[], T], seconds: float, meant: Meant = ()) -> T:
        """Run other foreign code, such as a plugin's import, with the same care.

        Raises:
            PluginFault: as for ``call``. What is ``meant`` passes unchanged.
        """
        if self._telemetry.on:
            # The job is made inside: it takes the context with it, and what stands there of the call.
            return cast("T", self._tell(origin, lambda: self._in_lane(self._job(origin, work, seconds, meant)), meant))
        return cast("T", self._in_lane(self._job(origin, work, seconds, meant)))

    def keep_secret(self, plugin: str, secrets: frozenset[str]) -> None:
        """Leave these texts out of whatever is told of the plugin's faults: their texts are its own."""
        self._secrets[plugin] = secrets

    def look(self) -> None:
        """Notice the calls that hang in a thread that they were lent."""
        for seat in list(self._seats.values()):
            self._look_at(seat)

    def close(self) -> None:
        """Let all lanes end. What still hangs in one cannot be ended, but keeps nothing else waiting."""
        for lanes in list(self._lanes.values()):
            lanes.close()

    def _job(self, origin: Origin, work: Callable[[], Any], seconds: float, meant: Meant) -> "_Job":
        return _Job(Speaker(origin, self.threads), work, seconds, meant)

    def _tell(self, origin: Origin, call: Callable[[], Any], meant: Meant) -> Any:
        with self._telemetry.act("hook", plugin=origin.plugin, hook=origin.hook) as act:
            try:
                return call()
            except PluginFault as fault:
                act.end(fault.kind, fault=True)
                raise
            except meant:
                act.end("refused")
                raise

    def _fault(self, origin: Origin, kind: FaultKind, told: str) -> PluginFault:
        return PluginFault(origin, kind, without(told, self._secrets.get(origin.plugin, ())))

    def _in_seat(self, seat: Seat, implementation: Implementation, arguments: Mapping[str, object], thread: int) -> Any:
        """Call in the thread of the caller, which holds the seat. The hot path: every line of it is paid for."""
        begun = perf_counter()
        seat.sitting = implementation.origin, implementation.promise.budget, thread, begun
        try:
            result = copy_context().run(answer, implementation, arguments, seat.speaker)
        except ProviderError as refusal:
            self._unseat(seat, implementation, perf_counter() - begun, refusal=refusal)
            raise
        except BaseException as failure:
            fault = self._fault(implementation.origin, *_verdict(failure))
            self._unseat(seat, implementation, perf_counter() - begun, fault)
            raise fault from failure
        seconds = perf_counter() - begun
        if seconds >= implementation.trust.slow or seat.speaker.used:
            return self._late(seat, implementation, seconds, result)
        implementation.trust.tally.add(seconds)
        seat.leave()
        return result

    def _late(self, seat: Seat, implementation: Implementation, seconds: float, result: Any) -> Any:
        """What a call gave that was slow, or that printed; nothing, when it came after its budget."""
        budget = implementation.promise.budget
        if seconds <= budget:
            self._unseat(seat, implementation, seconds)
            return result
        detail = f"came back after {seconds:.1f} s; its budget is {budget:g} s"
        fault = PluginFault(implementation.origin, "timed_out", detail)
        self._unseat(seat, implementation, seconds, fault)
        raise fault

    def _unseat(
        self,
        seat: Seat,
        implementation: Implementation,
        seconds: float,
        fault: PluginFault | None = None,
        refusal: ProviderError | None = None,
    ) -> None:
        trust = implementation.trust
        if fault is not None or seconds >= trust.slow:
            trust.lose()
        if refusal is None:
            trust.tally.add(seconds, fault=fault is not None)
        else:
            trust.tally.refuse(seconds, refusal)
        if seat.speaker.used:
            seat.speaker.end(implementation.origin)
        # Whoever found it overdue has told the breaker already.
        if not seat.leave() and fault is not None:
            self.breakers.fault(implementation.origin, fault.detail, probe=False)
            _log_fault(fault)

    def _look_at(self, seat: Seat) -> None:
        sitting = seat.found_overdue()
        if sitting is not None:
            origin, budget, thread, _ = sitting
            fault = _timed_out(origin, budget, thread)
            self.breakers.fault(origin, fault.detail, probe=False)
            _log_fault(fault)

    def _in_lane(self, job: "_Job", trust: Trust | None = None) -> Any:
        """Call in a lane of the plugin's own."""
        job.probe = self.breakers.enter(job.origin)
        stand_in()
        begun = perf_counter()
        try:
            result = self._run(job)
        except job.meant as refusal:
            self._well(job, begun, refusal)
            raise
        except BaseException as failure:
            self._badly(job, begun, failure)
            if trust is not None:
                trust.lose()
            raise
        self._well(job, begun)
        if trust is not None:
            self._learn(trust, job)
        return result

    def _learn(self, trust: Trust, job: "_Job") -> None:
        trust.see(job.seconds, job.budget, self._seat_of(job.origin))
        if trust.seat is not None:
            self.counters.beside(job.origin, trust.tally)

    def _well(self, job: "_Job", begun: float, refusal: Exception | None = None) -> None:
        if isinstance(refusal, ProviderError):
            self.counters.refuse(job.origin, perf_counter() - begun, refusal)
        else:
            self.counters.add(job.origin, perf_counter() - begun)
        self.breakers.success(job.origin, probe=job.probe)

    def _badly(self, job: "_Job", begun: float, failure: BaseException) -> None:
        """That all lanes are taken says nothing new about a hook, unless it was to be tried."""
        self.counters.add(job.origin, perf_counter() - begun, fault=True)
        if isinstance(failure, PluginFault):
            _log_fault(failure)
        if isinstance(failure, PluginFault) and (job.probe or failure.kind != "busy"):
            self.breakers.fault(job.origin, failure.detail, probe=job.probe)
        elif job.probe:
            self.breakers.fault(job.origin, "was interrupted", probe=True)

    def _run(self, job: "_Job") -> Any:
        origin, budget = job.origin, job.budget
        lanes = self._lanes_of(origin.plugin)
        # Waiting for a lane is not the plugin's work: its own budget begins after it.
        lane = lanes.begin(job, patience=budget)
        if lane is None:
            detail = f"all {self._lanes_per_plugin} lanes are taken by calls that have not come back"
            raise PluginFault(origin, "busy", detail, retry_after=1)
        if not job.done.acquire(timeout=budget):
            lanes.give_up(lane, job)
            raise _timed_out(origin, budget, lane.thread.ident)
        return job.outcome(self._fault)

    def _lanes_of(self, plugin: str) -> Lanes:
        lanes = self._lanes.get(plugin)
        # setdefault keeps the first of two that race; a set of lanes without a thread costs nothing.
        return lanes or self._lanes.setdefault(plugin, Lanes(plugin, self._lanes_per_plugin))

    def _seat_of(self, origin: Origin) -> Seat:
        seat = self._seats.get(origin.plugin)
        return seat or self._seats.setdefault(origin.plugin, Seat(Speaker(origin, self.threads)))


class _Job:
    """One piece of foreign work, and what became of it. ``seconds`` is what it took, without waiting for a lane."""

    __slots__ = (
        "_context", "_failure", "_kind", "_result", "_speaker", "_told", "_work",
        "budget", "done", "meant", "origin", "probe", "seconds",
    )  # fmt: skip

    def __init__(self, speaker: Speaker, work: Callable[[], Any], budget: float, meant: Meant) -> None:
        self.origin = speaker.origin
        self.budget = budget
        self.meant = meant
        self.probe = False
        self.seconds = 0.0
        self.done = Lock()
        self.done.acquire()
        self._speaker = speaker
        self._work = work
        self._context = copy_context()
        self._failure: BaseException | None = None

    def run(self) -> None:
        """Do the work in a lane."""
        begun = perf_counter()
        try:
            self._result = self._context.run(_spoken, self._speaker, self._work)
        except BaseException as failure:  # noqa: BLE001 - the border: anything may come out of a plugin
            # Told here, in the lane and inside the budget: the exception's own text is foreign code too.
            self._kind, self._told = _verdict(failure)
            self._failure = failure
        self.seconds = perf_counter() - begun

    def outcome(self, fault: Callable[[Origin, FaultKind, str], PluginFault]) -> Any:
        """The result, or what was raised, or the fault. To be asked once, after the work is done."""
        failure = self._failure
        if failure is None:
            return self._result
        try:
            if isinstance(failure, self.meant):
                raise failure
            raise fault(self.origin, self._kind, self._told) from failure
        finally:
            # The exception's traceback refers to this job: break the circle.
            self._failure = failure = None


def _spoken(speaker: Speaker, work: Callable[..., T], *arguments: Any) -> T:
    """Do the work as a plugin's: in a context of its own, where its prints and threads are known for its."""
    SPEAKER.set(speaker)
    try:
        return work(*arguments)
    finally:
        if speaker.used:
            speaker.end()


def _log_fault(fault: PluginFault) -> None:
    """Tell of a fault once, where it happens."""
    if fault.hook not in _TOLD_ELSEWHERE:
        _log.error("plugin fault", plugin=fault.plugin, hook=fault.hook, kind=fault.kind, error=fault.detail)


def _verdict(failure: BaseException) -> tuple[FaultKind, str]:
    if isinstance(failure, Unfit):
        return "bad_result", str(failure)
    if isinstance(failure, LateAsync):
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


def _timed_out(origin: Origin, seconds: float, thread: int | None) -> PluginFault:
    frame = sys._current_frames().get(thread or 0)  # noqa: SLF001 - the documented look into another thread
    stack = list(traceback.walk_stack(frame)) if frame is not None else []
    place = deepest_place(reversed(stack))
    return PluginFault(origin, "timed_out", overdue(origin.hook, seconds, place))
