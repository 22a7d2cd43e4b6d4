"""Pure hooks that may run in their caller's own thread, and what happens when one of them hangs there."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar

import pytest
from structlog.testing import capture_logs

from hosting import INSTALLATION, REPOSITORY, budget, host_of
from plugins import turncoat
from scmhost.plugins import PluginFault, PluginHost
from scmhost.plugins.trust import PROOF
from scmhost.sdk import ProviderUnavailable

CONTEXT: ContextVar[str] = ContextVar("CONTEXT", default="nothing")


@contextmanager
def trusting(seconds: float = 5.0) -> Iterator[tuple[PluginHost, ThreadPoolExecutor]]:
    """A host whose plugin has earned trust, and threads to call it from; the main thread is never lent."""
    turncoat.behaviour.now = threading.get_ident
    turncoat.behaviour.released.clear()
    with (
        host_of({"turncoat": "plugins.turncoat"}, promises=budget(seconds)) as host,
        ThreadPoolExecutor(4) as callers,
    ):
        # On a busy machine some calls are not quick: until enough of them were, in a row.
        while not callers.submit(in_own_thread, host).result():
            pass
        try:
            yield host, callers
        finally:
            turncoat.behaviour.released.set()


def page(host: PluginHost) -> object:
    calls = host.calls("turncoat")
    assert calls is not None
    return calls.commit_url(INSTALLATION, REPOSITORY, "abc")


def in_own_thread(host: PluginHost) -> bool:
    """Whether a call runs in the thread of its caller."""
    return page(host) == f"https://turncoat.example/{threading.get_ident()}"


def fault(future: "Future[object]") -> PluginFault:
    with pytest.raises(PluginFault) as caught:
        future.result()
    return caught.value


def test_a_quick_hook_earns_its_callers_thread() -> None:
    """A pure hook that was quick many times in a row is called without a hand-over, but never in the main thread."""
    with trusting() as (host, callers):
        before = host.counts["turncoat", "scm_commit_url"].calls
        assert callers.submit(in_own_thread, host).result() is True
        assert in_own_thread(host) is False
        assert before > PROOF
        assert host.counts["turncoat", "scm_commit_url"].calls == before + 2


def test_a_call_in_a_seat_leaves_its_callers_context_alone() -> None:
    """A plugin sees its caller's context in either thread, and changes to it stay inside."""
    CONTEXT.set("a request")

    def look() -> str:
        seen = CONTEXT.get()
        CONTEXT.set("the plugin's")
        return seen

    def call(host: PluginHost) -> tuple[object, str]:
        CONTEXT.set("a request")
        return page(host), CONTEXT.get()

    with trusting() as (host, callers):
        turncoat.behaviour.now = look
        assert callers.submit(call, host).result() == ("https://turncoat.example/a request", "a request")


def endings() -> list[tuple[BaseException, str]]:
    return [
        (ValueError("changed my mind"), "raised"),
        (SystemExit(3), "exited"),
        (KeyboardInterrupt(), "exited"),
        (GeneratorExit(), "raised"),
        (RecursionError(), "raised"),
    ]


@pytest.mark.parametrize(("error", "kind"), endings(), ids=lambda value: type(value).__name__)
def test_whatever_a_trusted_hook_raises_is_a_fault_and_costs_its_trust(error: BaseException, kind: str) -> None:
    """The caller's thread survives it, and the next calls go through a lane again."""
    with trusting() as (host, callers):
        turncoat.behaviour.now = raising(error)
        told = fault(callers.submit(page, host))
        assert (told.kind, told.hook, "test_seats.py:" in str(told)) == (kind, "scm_commit_url", True)
        turncoat.behaviour.now = threading.get_ident
        assert callers.submit(in_own_thread, host).result() is False
        assert host.counts["turncoat", "scm_commit_url"].faults == 1


def raising(error: BaseException) -> Callable[[], object]:
    def behave() -> object:
        raise error

    return behave


def test_what_a_trusted_hook_means_is_no_fault() -> None:
    """A refusal on purpose keeps the seat."""
    with trusting() as (host, callers):
        turncoat.behaviour.now = raising(ProviderUnavailable("later"))
        with pytest.raises(ProviderUnavailable):
            callers.submit(page, host).result()
        turncoat.behaviour.now = threading.get_ident
        assert callers.submit(in_own_thread, host).result() is True


def test_a_trusted_hook_that_hangs_takes_one_thread_and_no_more() -> None:
    """While one call hangs in its seat, the next finds it, names its line, and goes through a lane with all others."""
    with trusting(0.2) as (host, callers):
        waiting = threading.Event()

        def hang() -> object:
            waiting.set()
            return turncoat.behaviour.released.wait()

        turncoat.behaviour.now = hang
        hung = callers.submit(page, host)
        assert waiting.wait(5)
        while "timed_out" not in (kinds := [fault(callers.submit(page, host)).kind for _ in range(2)]):
            pass
        assert set(kinds) <= {"timed_out", "suspended", "busy"}
        assert not hung.done()
        turncoat.behaviour.released.set()
        late = fault(hung)
    assert (late.kind, "its budget is 0.2 s" in str(late)) == ("timed_out", True)


def test_whoever_looks_finds_the_call_that_hangs() -> None:
    """A call that passed its budget in a lent thread is counted and logged once, by whoever looks next."""
    with trusting(0.2) as (host, callers):
        waiting = threading.Event()

        def hang() -> object:
            waiting.set()
            return turncoat.behaviour.released.wait()

        turncoat.behaviour.now = hang
        hung = callers.submit(page, host)
        assert waiting.wait(5)
        with capture_logs() as logs:
            while not logs:
                assert host.suspensions == ()
            assert host.suspensions == ()
        turncoat.behaviour.released.set()
        fault(hung)
    assert [(entry["event"], entry["hook"]) for entry in logs] == [("plugin fault", "scm_commit_url")]
    assert "did not come back within its budget of 0.2 s" in logs[0]["error"]
    assert host.counts["turncoat", "scm_commit_url"].faults == 1
