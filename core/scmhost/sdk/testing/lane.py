"""Runs a plugin's calls, one after the other, in a thread that can be left behind."""

import asyncio
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Event, Thread
from time import perf_counter
from types import CoroutineType
from typing import Any

from pydantic import ValidationError

from .watch import Seen, watching


@dataclass(slots=True)
class Run:
    """What became of a piece of foreign work. ``hangs_at`` is where it was when patience ended."""

    value: Any = None
    error: BaseException | None = None
    seconds: float = 0.0
    seen: tuple[Seen, ...] = ()
    hangs_at: str | None = None


class Lane:
    """A thread for foreign work. One that hangs is left, and the next work gets a new one."""

    def __init__(self) -> None:
        self._work: SimpleQueue[tuple[Callable[[], Any], Run, Event]] | None = None
        self._thread: Thread | None = None

    def run(self, work: Callable[[], Any], patience: float) -> Run:
        """Do the work and wait for it; ``patience`` in seconds."""
        done, run = Event(), Run()
        if self._work is None:
            self._work = SimpleQueue()
            self._thread = Thread(target=_serve, args=(self._work,), name="scmhost laws", daemon=True)
            self._thread.start()
        with watching() as seen:
            self._work.put((work, run, done))
            came_back = done.wait(patience)
            run.seen = tuple(seen)
        if came_back:
            return run
        return self._left_behind(patience, tuple(seen))

    def _left_behind(self, patience: float, seen: tuple[Seen, ...]) -> Run:
        frame = sys._current_frames().get(self._thread.ident or 0) if self._thread else None  # noqa: SLF001
        stack = traceback.extract_stack(frame) if frame else []
        self._work = None
        return Run(seconds=patience, seen=seen, hangs_at=f"{stack[-1].filename}:{stack[-1].lineno}" if stack else "")


def _serve(queue: "SimpleQueue[tuple[Callable[[], Any], Run, Event]]") -> None:
    while True:
        work, run, done = queue.get()
        begun = perf_counter()
        try:
            run.value = _awaited(work())
        except BaseException as error:  # noqa: BLE001 - anything may come out of a plugin
            run.error = error
        run.seconds = perf_counter() - begun
        done.set()
        del work, run, done


def _awaited(value: Any) -> Any:
    return asyncio.run(value) if isinstance(value, CoroutineType) else value


def text_of(error: BaseException) -> str:
    """An exception's text in one line, if it lets itself be told."""
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        return ": ".join(filter(None, [error.title, ".".join(map(str, first["loc"])), first["msg"]]))
    try:
        return " ".join(str(error).split()) or "no text"
    except Exception:  # noqa: BLE001 - a plugin's exception may raise when it is printed
        return "a text that cannot be printed"
