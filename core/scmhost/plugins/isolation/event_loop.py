"""The event loop on which all asynchronous hooks of one plugin run, in a thread of its own.

One loop for the life of the process: a pooled HTTP client belongs to the loop in which it was used first. The thread is
a daemon, so that a plugin that blocks the loop cannot keep the process from ending.
"""

import asyncio
import logging
from collections.abc import Coroutine
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as FutureTimeout
from threading import Lock, Thread
from typing import Any, Final

from .faults import AsyncTimeout, LoopBlocked, timeout_text

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
