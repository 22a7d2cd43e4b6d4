"""The event loop of a plugin: one for all calls, and neither a blocking call nor an exit ends it for good."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

import pytest

from scmhost.plugins.errors import Origin, PluginFault
from scmhost.plugins.isolation.faults import AsyncTimeout, LoopBlocked
from scmhost.plugins.isolation.guard import Guard, Implementation
from scmhost.plugins.isolation.worker_pool import MOST_BLOCKED, PluginLoop
from scmhost.sdk import HOOK_SPECS, Existence
from scmhost.sdk.execution import remaining_seconds
from scmhost.sdk.validation import result_adapter, result_text

HOOK = "scm_file_exists"
CONTEXT: ContextVar[str] = ContextVar("CONTEXT", default="nothing")


@contextmanager
def opened() -> Iterator[PluginLoop]:
    loop = PluginLoop("forge")
    try:
        yield loop
    finally:
        loop.close()


async def running_loop() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


def hook(function: Callable[..., Any], seconds: float = 5.0) -> Implementation:
    spec = replace(HOOK_SPECS[HOOK], budget=seconds)
    origin = Origin("forge", "acme-forge", HOOK)
    return Implementation(origin, spec, function, (), result_adapter(HOOK), result_text(HOOK))


def test_all_calls_of_all_threads_share_one_loop() -> None:
    """A pooled client that was opened in one call can be used in the next."""
    with opened() as loop, ThreadPoolExecutor(4) as threads:
        loops = list(threads.map(lambda _: loop.run(running_loop(), HOOK, 5.0), range(20)))
    assert len(set(map(id, loops))) == 1


def test_calls_run_at_the_same_time() -> None:
    """Two calls that wait for each other both come back."""
    ready = [asyncio.Event(), asyncio.Event()]

    async def meet(mine: int) -> int:
        ready[mine].set()
        await ready[1 - mine].wait()
        return mine

    with opened() as loop, ThreadPoolExecutor(2) as threads:
        assert list(threads.map(lambda mine: loop.run(meet(mine), HOOK, 5.0), range(2))) == [0, 1]


def test_context_of_the_caller_reaches_the_coroutine() -> None:
    """Context variables, such as a request's id, are those of the calling thread."""

    async def seen() -> str:
        return CONTEXT.get()

    CONTEXT.set("a request")
    with opened() as loop:
        assert loop.run(seen(), HOOK, 5.0) == "a request"


@pytest.mark.parametrize("error", [KeyError("x"), SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError()])
def test_any_exception_reaches_the_caller_and_leaves_the_loop_running(error: BaseException) -> None:
    """Exits and cancellations too: other calls of the plugin are not affected."""

    async def fail() -> None:
        raise error

    with opened() as loop:
        before = loop.run(running_loop(), HOOK, 5.0)
        with pytest.raises(type(error)):
            loop.run(fail(), HOOK, 5.0)
        assert loop.run(running_loop(), HOOK, 5.0) is before


def test_background_task_that_exits_does_not_end_the_loop() -> None:
    """The plugin may start tasks of its own."""

    async def leave() -> None:
        raise SystemExit(3)

    async def start() -> "asyncio.Task[None]":
        return asyncio.create_task(leave())

    with opened() as loop:
        task = loop.run(start(), HOOK, 5.0)
        before = loop.run(running_loop(), HOOK, 5.0)
        assert loop.run(running_loop(), HOOK, 5.0) is before
        assert isinstance(task, asyncio.Task)
        assert isinstance(task.exception(), SystemExit)


def test_call_over_its_budget_is_cancelled_and_the_loop_stays() -> None:
    """A call that waits is cancelled at its budget; the pooled client survives."""
    cancelled = threading.Event()

    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    with opened() as loop:
        before = loop.run(running_loop(), HOOK, 5.0)
        with pytest.raises(AsyncTimeout, match=r"budget of 0\.01 s"):
            loop.run(forever(), HOOK, 0.01)
        assert cancelled.wait(5)
        assert loop.run(running_loop(), HOOK, 5.0) is before


def blocking(release: threading.Event) -> Coroutine[Any, Any, None]:
    async def block() -> None:
        release.wait(60)

    return block()


def test_blocked_loop_is_replaced_and_blocked_loops_are_bounded() -> None:
    """A call without await cannot be cancelled; the next calls get a new loop, a few times."""
    release = threading.Event()
    with opened() as loop:
        loops = []
        for _ in range(MOST_BLOCKED):
            loops.append(loop.run(running_loop(), HOOK, 5.0))
            with pytest.raises(AsyncTimeout):
                loop.run(blocking(release), HOOK, 0.01)
        assert len(set(map(id, loops))) == MOST_BLOCKED
        with pytest.raises(LoopBlocked, match="without await"):
            loop.run(running_loop(), HOOK, 5.0)
        blocked = [thread for thread in threading.enumerate() if thread.name == "scmhost loop forge"]
        release.set()
        for thread in blocked:
            thread.join(5)
        assert loop.run(running_loop(), HOOK, 5.0) not in loops


def test_closing_cancels_what_runs_and_ends_the_thread() -> None:
    """After closing, no thread of the loop is left."""
    begun = threading.Event()

    async def forever() -> None:
        begun.set()
        await asyncio.Event().wait()

    loop = PluginLoop("forge")
    with ThreadPoolExecutor(1) as threads:
        call = threads.submit(loop.run, forever(), HOOK, 60.0)
        assert begun.wait(5)
        (thread,) = [each for each in threading.enumerate() if each.name == "scmhost loop forge"]
        loop.close()
        with pytest.raises(AsyncTimeout, match="the process ends"):
            call.result(5)
    thread.join(5)
    assert not thread.is_alive()


def test_async_hooks_of_a_plugin_share_a_loop_and_know_their_time() -> None:
    """Through the guard: one loop for all calls, and the remaining time is within the budget."""
    loops = []
    times = []

    async def exists() -> Existence:
        loops.append(asyncio.get_running_loop())
        times.append(remaining_seconds())
        return Existence.YES

    guard = Guard()
    for _ in range(3):
        assert guard.call(hook(exists), {}) is Existence.YES
    guard.close()
    assert len(set(map(id, loops))) == 1
    assert all(0 < seconds <= 5.0 for seconds in times)


def test_plain_io_hook_knows_its_time() -> None:
    """The deadline is set for functions that are not asynchronous, too, and only for the call."""
    times = []

    def exists() -> Existence:
        times.append(remaining_seconds())
        return Existence.YES

    guard = Guard()
    guard.call(hook(exists, 3.0), {})
    guard.close()
    assert 0 < times[0] <= 3.0
    assert remaining_seconds() == float("inf")


def test_fault_names_the_line_that_blocks_the_loop() -> None:
    """The worker only waits; the line in the loop's thread is what its author must change."""
    release = threading.Event()

    async def exists() -> Existence:
        release.wait(60)
        return Existence.YES

    guard = Guard()
    with pytest.raises(PluginFault, match=r"test_event_loop\.py:\d+") as caught:
        guard.call(hook(exists, 0.05), {})
    release.set()
    guard.close()
    assert caught.value.kind == "timed_out"
