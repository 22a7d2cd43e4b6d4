"""Pure hooks in the threads of their callers: at most four at a time, timed, and reported when overdue."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import pytest

from hosting import INSTALLATION, LOCATION, REPOSITORY, SettableClock, host_of, logged, report_of
from plugins import hanger
from scmhost.infra.settings import Breaker
from scmhost.plugins import PluginFault
from scmhost.plugins.errors import Origin
from scmhost.plugins.isolation.circuit_breaker import CircuitBreaker
from scmhost.plugins.isolation.guard import Guard, Implementation
from scmhost.plugins.isolation.inline_calls import PATIENCE, SLOTS_PER_PLUGIN, InlineCalls, Slot
from scmhost.sdk import HOOK_SPECS, ProviderUnavailable
from scmhost.sdk.validation import result_adapter, result_text

BUDGET = 1.0
URL = "https://forge.example/"


class Seconds:
    """A clock of seconds that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def implementation(
    function: Callable[[], object], plugin: str = "forge", hook: str = "scm_commit_url"
) -> Implementation:
    origin = Origin(plugin, f"acme-{plugin}", hook)
    spec = replace(HOOK_SPECS[hook], budget=BUDGET)
    return Implementation(origin, spec, function, (), result_adapter(hook), result_text(hook))


@dataclass
class Hanging:
    """Calls of a pure hook that hang until the end of a block."""

    guard: Guard
    clock: Seconds
    callers: ThreadPoolExecutor
    released: threading.Event = field(default_factory=threading.Event)
    entered: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def begin(self, calls: int = SLOTS_PER_PLUGIN) -> "list[Future[object]]":
        """Begin calls, and return once all of them hang."""
        hung = [self.callers.submit(self.guard.call, implementation(self._hang), {}) for _ in range(calls)]
        for _ in range(calls):
            assert self.entered.acquire(timeout=30)
        return hung

    def _hang(self) -> str:
        self.entered.release()
        self.released.wait()
        return URL


@contextmanager
def hanging(faults: int = 100) -> Iterator[Hanging]:
    """A guard with clocks that the test sets, whose circuit breaker opens after some faults."""
    clock = Seconds()
    guard = Guard(CircuitBreaker(lambda _: Breaker(faults=faults), SettableClock()), clock=clock)
    with ThreadPoolExecutor(SLOTS_PER_PLUGIN) as callers:
        found = Hanging(guard, clock, callers)
        try:
            yield found
        finally:
            found.released.set()
            guard.close()


def fault_of(guard: Guard, function: Callable[[], object] = lambda: URL) -> PluginFault:
    with pytest.raises(PluginFault) as caught:
        guard.call(implementation(function), {})
    return caught.value


def test_pure_hook_runs_in_the_thread_of_its_caller() -> None:
    """No thread is switched for a hook that does not wait."""
    guard = Guard()
    assert guard.call(implementation(lambda: f"{URL}{threading.get_ident()}"), {}) == f"{URL}{threading.get_ident()}"


def test_pure_hook_may_be_called_in_a_worker() -> None:
    """While a plugin is loaded even its pure hooks run with a deadline."""
    guard = Guard()
    called = guard.call_in_worker(implementation(lambda: f"{URL}{threading.get_ident()}"), {})
    guard.close()
    assert called != f"{URL}{threading.get_ident()}"


def test_four_callers_hang_and_the_fifth_is_refused() -> None:
    """A plugin that hangs keeps four callers. Further ones are refused, and other plugins work."""
    with hanging() as found:
        hung = found.begin()
        found.clock.now += PATIENCE
        fault = fault_of(found.guard)
        other = found.guard.call(implementation(lambda: URL, "other"), {})
        assert [future.done() for future in hung] == [False] * 4
        assert (fault.kind, fault.retry_after, other) == ("busy", 1, URL)
        assert fault.detail == "all 4 calls of its pure hooks at a time are taken and have not come back"
        found.released.set()
        assert [future.result() for future in hung] == [URL] * 4
        assert found.guard.call(implementation(lambda: URL), {}) == URL


def test_busy_calls_do_not_open_the_circuit() -> None:
    """That no thread is free shows nothing about the hook that was called."""
    with hanging(faults=2) as found:
        found.begin()
        found.clock.now += PATIENCE
        assert [fault_of(found.guard).kind for _ in range(5)] == ["busy"] * 5
        assert found.guard.breaker.suspensions() == ()


def test_next_call_finds_an_overdue_one() -> None:
    """A call beyond its budget is logged and counted once, by the next call of the plugin."""
    with hanging() as found:
        (hung,) = found.begin(1)
        found.clock.now += BUDGET * 2
        with logged() as lines:
            for _ in range(3):
                assert found.guard.call(implementation(lambda: URL), {}) == URL
        assert [(line["event"], line["kind"]) for line in lines] == [("plugin fault", "timed_out")]
        assert "did not come back within its budget of 1 s (" in lines[0]["error"]
        assert "test_inline_calls.py:" in lines[0]["error"]
        found.released.set()
        with pytest.raises(PluginFault, match="came back after"):
            hung.result()
        assert found.guard.counters.all()["forge", "scm_commit_url"].faults == 1


def test_overdue_calls_suspend_the_hook() -> None:
    """Calls that hang open the circuit like any fault: then no caller waits for the hook."""
    with hanging(faults=2) as found:
        found.begin(2)
        found.clock.now += BUDGET * 2
        assert fault_of(found.guard).kind == "suspended"


def test_overdue_calls_are_listed_while_they_run() -> None:
    """The report has hook, time, budget and line of each call that hangs, until it ends."""
    with hanging() as found:
        (hung,) = found.begin(1)
        assert found.guard.report_overdue() == ()
        found.clock.now += 2.5
        (overdue,) = found.guard.report_overdue()
        assert (overdue.plugin, overdue.hook, overdue.seconds, overdue.budget) == ("forge", "scm_commit_url", 2.5, 1.0)
        assert overdue.description.startswith("scm_commit_url has not come back after 2.5 s; its budget is 1 s (")
        found.released.set()
        with pytest.raises(PluginFault):
            hung.result()
        assert found.guard.report_overdue() == ()


def test_no_caller_waits_when_all_calls_are_overdue() -> None:
    """Once four calls are reported as overdue, the next one is refused without any wait."""
    with hanging() as found:
        found.begin()
        found.clock.now += BUDGET * 2
        found.guard.report_overdue()
        assert fault_of(found.guard).kind == "busy"


def test_call_that_returns_late_is_a_fault() -> None:
    """A result after the budget is not used; the fault names both times."""
    clock = Seconds()
    guard = Guard(clock=clock)

    def slow() -> str:
        clock.now += 3.0
        return URL

    fault = fault_of(guard, slow)
    assert (fault.kind, fault.detail) == ("timed_out", "came back after 3.0 s; its budget is 1 s")
    assert guard.counters.all()["forge", "scm_commit_url"].slowest == 3.0


def test_overdue_refusal_is_counted_once() -> None:
    """A call that was reported as overdue, and then raises on purpose, is no second call."""
    clock = Seconds()
    guard = Guard(clock=clock)

    def refuse() -> str:
        clock.now += 3.0
        guard.report_overdue()
        raise ProviderUnavailable("later")

    with pytest.raises(ProviderUnavailable):
        guard.call(implementation(refuse), {})
    count = guard.counters.all()["forge", "scm_commit_url"]
    assert (count.calls, count.faults, count.refusals) == (1, 1, 0)


def test_probe_that_hangs_opens_the_circuit_again() -> None:
    """A half open circuit whose probe hangs waits for the next try, twice as long."""
    manual_clock, clock = SettableClock(), Seconds()
    guard = Guard(CircuitBreaker(lambda _: Breaker(faults=1, pause_seconds=10), manual_clock), clock=clock)
    fault_of(guard, lambda: 1 / 0)
    manual_clock.turn(10)

    def hang() -> str:
        clock.now += 3.0
        guard.report_overdue()
        return URL

    assert fault_of(guard, hang).kind == "timed_out"
    assert fault_of(guard).retry_after == 20


def test_slots_are_released_after_every_outcome() -> None:
    """Results, refusals and faults all free their slot."""
    guard = Guard(CircuitBreaker(lambda _: Breaker(faults=100)))

    def refuse() -> str:
        raise ProviderUnavailable("later")

    for _ in range(SLOTS_PER_PLUGIN + 1):
        assert guard.call(implementation(lambda: URL), {}) == URL
        assert fault_of(guard, lambda: 1 / 0).kind == "raised"
        with pytest.raises(ProviderUnavailable):
            guard.call(implementation(refuse), {})


def test_waiting_caller_gets_the_slot_that_is_returned() -> None:
    """A burst of quick calls is served: a caller without a slot waits for the next free one."""
    clock = Seconds()
    calls = InlineCalls(limit=1, clock=clock)
    taken = calls.take()
    assert taken is not None
    got: list[Slot | None] = []
    waiter = threading.Thread(target=lambda: got.append(calls.take()))
    # For the waiter the call begins in a minute, so that it does not lose its patience.
    taken.call = (implementation(lambda: URL), clock.now + 60, 0, False)
    waiter.start()
    while not calls._waiting:
        pass
    calls.release(taken)
    waiter.join(30)
    assert got == [taken]


def test_caller_does_not_wait_for_calls_that_have_run_for_long() -> None:
    """After the patience has passed without a change, a caller is refused at once."""
    clock = Seconds()
    calls = InlineCalls(limit=1, clock=clock)
    slot = calls.take()
    assert slot is not None
    slot.call = (implementation(lambda: URL), clock.now, 0, False)
    clock.now += PATIENCE
    assert calls.take() is None


def test_many_callers_at_once_are_all_served() -> None:
    """Twenty threads that call quick hooks at the same time are never refused."""
    guard, gate = Guard(), threading.Barrier(20)

    def call() -> list[object]:
        gate.wait()
        return [guard.call(implementation(lambda: URL), {}) for _ in range(200)]

    with ThreadPoolExecutor(20) as callers:
        futures = [callers.submit(call) for _ in range(20)]
        assert [set(future.result()) for future in futures] == [{URL}] * 20
    assert guard.counters.all()["forge", "scm_commit_url"].calls == 4000


def test_report_of_a_plugin_names_its_overdue_calls() -> None:
    """``plugins list`` shows a pure hook that hangs in its caller's thread."""
    hanger.released.clear()
    specs = {**HOOK_SPECS, "scm_source_url": replace(HOOK_SPECS["scm_source_url"], budget=0.0)}
    with host_of({"hanger": "plugins.hanger"}, specs=specs) as host, ThreadPoolExecutor(1) as callers:
        calls = host.calls("hanger")
        assert calls is not None
        hung = callers.submit(calls.source_url, INSTALLATION, REPOSITORY, LOCATION)
        assert hanger.entered.acquire(timeout=30)
        notes = report_of(host, "hanger").notes
        hanger.released.set()
        assert isinstance(hung.exception(), PluginFault)
    assert [note.partition(" has not come back")[0] for note in notes] == ["scm_source_url"]
