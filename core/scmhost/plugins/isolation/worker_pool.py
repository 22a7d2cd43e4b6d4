"""Where the I/O hooks of one plugin run: in a few worker threads, and asynchronous ones on one event loop.

The workers are few, so that a plugin that hangs does not take all threads. All threads are daemons of our own: the
executors of the standard library join their threads at exit, and a plugin that never returns would keep the process
from ending. There is one loop for the life of the process: a pooled HTTP client belongs to the loop in which it was
used first.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextvars import copy_context
from queue import SimpleQueue
from threading import Condition, Lock, Thread
from time import monotonic
from typing import Any, Final, TypeAlias

from scmhost.plugins.errors import FaultKind, Origin, PluginFault
from scmhost.sdk import ProviderError

from .faults import AsyncTimeout, LoopBlocked, kind_and_detail, safe_provider_error, timeout_text

WORKERS_PER_PLUGIN: Final = 8

WAITING_PER_PLUGIN: Final = 8
"""How many callers may wait for a worker until their deadline.

With the callers that have a worker these are less than half of the threads that answer requests: two plugins that hang
leave some threads to the others.
"""

PATIENCE: Final = 0.25
"""How long further callers wait, in seconds, after a worker was last taken or returned.

A burst of quick calls is served in that time; a plugin whose calls all hang takes no more threads.
"""


Expected: TypeAlias = tuple[type[Exception], ...]
"""Exceptions that a plugin may raise on purpose; they reach the caller."""


class Job:
    """One piece of plugin code that runs in a worker, and its outcome."""

    __slots__ = (
        "_context",
        "_failure",
        "_fault",
        "_result",
        "_work",
        "budget",
        "done",
        "expected",
        "origin",
        "secrets",
    )

    def __init__(
        self,
        origin: Origin,
        work: Callable[[], Any],
        budget: float,
        expected: Expected,
        secrets: Collection[str] = (),
    ) -> None:
        self.origin = origin
        self.budget = budget
        self.expected = expected
        self.secrets = secrets
        self.done = Lock()
        # A lock as a one-time event: ``threading.Event`` costs several times as much.
        self.done.acquire()
        self._work = work
        self._context = copy_context()
        self._failure: BaseException | None = None
        self._fault: tuple[FaultKind, str] | None = None

    def run(self) -> None:
        """Do the work in a worker."""
        try:
            self._result = self._context.run(self._work)
        except BaseException as failure:  # noqa: BLE001 - the border: plugin code may raise anything
            # Described here, inside of the budget: the text of the exception is plugin code too.
            if not issubclass(type(failure), self.expected):
                self._fault = kind_and_detail(failure, self.secrets)
            if isinstance(failure, ProviderError):
                self._failure = safe_provider_error(failure, self.secrets)
            else:
                self._failure = failure

    def outcome(self, fault: Callable[[Origin, FaultKind, str], PluginFault]) -> Any:
        """Return the result, or raise the expected exception or the fault. For one call, after the work has ended."""
        failure = self._failure
        if failure is None:
            return self._result
        try:
            if self._fault is None:
                raise failure
            # The fault is logged with its cause, so the cause must not contain a secret.
            raise fault(self.origin, *self._fault) from (None if self.secrets else failure)
        finally:
            # The traceback of the exception refers to this job: break the cycle.
            self._failure = failure = None


class Worker:
    """A thread that runs one job at a time."""

    def __init__(self, name: str, returned: Callable[["Worker"], bool]) -> None:
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._returned = returned
        self.thread = Thread(target=self._loop, name=name, daemon=True)
        self.thread.start()

    def begin(self, job: Job | None) -> None:
        """Run a job, or end the thread when there is none."""
        self._jobs.put(job)

    def _loop(self) -> None:
        while self._serve(self._jobs.get()):
            pass

    def _serve(self, job: Job | None) -> bool:
        """Run one job and return whether to go on."""
        # A function of its own, so that an idle worker keeps no reference to its last job.
        if job is None:
            return False
        job.run()
        # The worker is free before its caller continues: a caller in a loop needs one worker only.
        stays = self._returned(self)
        job.done.release()
        return stays


class WorkerPool:
    """The workers of one plugin, made on demand and reused. Safe to use from many threads.

    ``WAITING_PER_PLUGIN`` callers wait for a worker until their deadline. Further callers wait for ``PATIENCE`` only.
    No caller waits once every worker is overdue.
    """

    def __init__(self, plugin: str, limit: int = WORKERS_PER_PLUGIN, clock: Callable[[], float] = monotonic) -> None:
        self._name = f"scmhost plugin {plugin}"
        self._limit = limit
        self._clock = clock
        self._change = Condition()
        self._idle: list[Worker] = []
        self._running: dict[Worker, Job] = {}
        self._overdue: set[Worker] = set()
        self._made = 0
        self._waiting = 0
        self._last_change = clock()
        self._closed = False

    def begin(self, job: Job, patience: float) -> Worker | None:
        """Run a job in a free worker; return None when none became free within the patience, in seconds."""
        with self._change:
            self._wait(self._clock() + patience)
            worker = self._take()
            if worker is None:
                return None
            self._running[worker] = job
        worker.begin(job)
        return worker

    def give_up(self, worker: Worker, job: Job) -> None:
        """Mark a worker as overdue: its caller no longer waits for this job."""
        with self._change:
            # The job may have ended at the last moment, and the worker may run another one by now.
            if self._running.get(worker) is job:
                # Waiting callers are woken, because all workers may be overdue now.
                self._overdue.add(worker)
                self._change.notify_all()

    def close(self) -> None:
        """End the idle workers now, and the others after their job."""
        with self._change:
            self._closed = True
            idle, self._idle = self._idle, []
            self._change.notify_all()
        for worker in idle:
            worker.begin(None)

    def _wait(self, deadline: float) -> None:
        """Wait until a worker is free, or none can become free before the deadline."""
        if self._is_decided():
            return
        # Decided once: a caller that came late must not wait longer because others have gone.
        excess = self._waiting >= WAITING_PER_PLUGIN
        self._waiting += 1
        try:
            while not self._is_decided():
                last = min(deadline, self._last_change + PATIENCE) if excess else deadline
                left = last - self._clock()
                if left <= 0:
                    return
                self._change.wait(left)
        finally:
            self._waiting -= 1

    def _is_decided(self) -> bool:
        """Return whether a worker is free, or none can become free."""
        return bool(self._idle) or self._made < self._limit or self._closed or len(self._overdue) == self._limit

    def _take(self) -> Worker | None:
        if not self._idle and (self._closed or self._made == self._limit):
            return None
        self._last_change = self._clock()
        if self._idle:
            return self._idle.pop()
        self._made += 1
        return Worker(self._name, self._release)

    def _release(self, worker: Worker) -> bool:
        with self._change:
            del self._running[worker]
            self._overdue.discard(worker)
            self._last_change = self._clock()
            if not self._closed:
                self._idle.append(worker)
                self._change.notify()
            return not self._closed


_log = logging.getLogger(__name__)

GRACE: Final = 0.25
"""How long a call that was cancelled at its budget may take to clean up, in seconds."""
MOST_BLOCKED: Final = 4
"""How many loops of one plugin may be blocked at a time. The threads cannot be ended, so their number is bounded."""


class PluginLoop:
    """Runs coroutines of one plugin. Safe to use from many threads; the first coroutine starts the thread."""

    def __init__(self, plugin: str) -> None:
        self._name = f"scmhost loop {plugin}"
        self._lock = Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._blocked: list[Thread] = []
        self._thread: Thread | None = None

    @property
    def thread_ident(self) -> int | None:
        """The thread in which the loop runs now, if any."""
        return self._thread.ident if self._thread is not None else None

    def run(self, coroutine: Coroutine[Any, Any, Any], hook: str, seconds: float) -> object:
        """Return the coroutine's result. It is cancelled after its budget.

        Raises:
            AsyncTimeout: it exceeded its budget. What the coroutine raises passes.
            LoopBlocked: too many loops of this plugin are blocked.
        """
        try:
            loop = self._running_loop()
        except LoopBlocked:
            # Closed, because Python warns of coroutines that are never awaited.
            coroutine.close()
            raise
        future = asyncio.run_coroutine_threadsafe(_outcome(coroutine, hook, seconds), loop)
        try:
            failure, result = future.result(seconds + GRACE)
        except FutureTimeout:
            # The loop did not even cancel the call: a call without ``await`` blocks it.
            self._give_up(loop, future)
            raise AsyncTimeout(timeout_text(hook, seconds)) from None
        except CancelledError:
            raise AsyncTimeout(f"{hook} was cancelled, because the process ends") from None
        if failure is not None:
            raise failure
        return result

    def close(self) -> None:
        """End the loop. Calls that are under way are cancelled."""
        with self._lock:
            loop, self._loop = self._loop, None
        if loop is not None:
            loop.call_soon_threadsafe(loop.stop)

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                # A loop that was blocked may have come back and ended since.
                self._blocked = [thread for thread in self._blocked if thread.is_alive()]
                if len(self._blocked) >= MOST_BLOCKED:
                    raise LoopBlocked(f"{MOST_BLOCKED} event loops of this plugin are blocked by calls without await")
                self._loop = asyncio.new_event_loop()
                self._thread = Thread(target=_serve, args=(self._loop,), name=self._name, daemon=True)
                self._thread.start()
            return self._loop

    def _give_up(self, loop: asyncio.AbstractEventLoop, future: "Future[Any]") -> None:
        """Let the next call begin with a new loop; this one ends as soon as it is no longer blocked."""
        future.cancel()
        with self._lock:
            # Several calls may give up the same loop.
            if self._loop is loop and self._thread is not None:
                self._blocked.append(self._thread)
                self._loop = None
        loop.call_soon_threadsafe(loop.stop)


async def _outcome(
    coroutine: Coroutine[Any, Any, Any], hook: str, seconds: float
) -> tuple[BaseException | None, object]:
    """Return what the coroutine raised, or its result.

    An exit is returned too: raised in a task, it would end the loop of all other calls.
    """
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            return None, await coroutine
    except TimeoutError as error:
        # Otherwise the plugin raised TimeoutError itself, which is a fault of another kind.
        return (AsyncTimeout(timeout_text(hook, seconds)) if limit.expired() else error), None
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        # The plugin awaited something that it had cancelled itself.
        return asyncio.CancelledError("what it awaited was cancelled"), None
    except BaseException as error:  # noqa: BLE001 - the border: plugin code may raise anything
        return error, None


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    """Run the loop until it is stopped. A background task of the plugin that exits must not end it."""
    asyncio.set_event_loop(loop)
    while True:
        try:
            loop.run_forever()
            break
        except BaseException as error:  # noqa: BLE001 - the border: tasks of the plugin may raise anything
            _log.error("plugin fault", extra={"kind": "exited", "error": f"a task raised {type(error).__name__}"})
    loop.run_until_complete(_cancel_tasks(loop))
    loop.close()


async def _cancel_tasks(loop: asyncio.AbstractEventLoop) -> None:
    tasks = asyncio.all_tasks(loop) - {asyncio.current_task(loop)}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await loop.shutdown_asyncgens()
