"""Whose code runs in a thread: what it prints goes to the log under its name, and the threads it starts are counted."""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from threading import Lock, Thread, current_thread
from typing import Final
from weakref import WeakKeyDictionary, WeakSet

import structlog

from .errors import Origin

_log = structlog.get_logger(__name__)

MOST_CHARACTERS: Final = 2_000
"""How much of what one call prints is logged."""

MOST_THREADS: Final = 32
"""How many threads a plugin may keep: as many as the standard library's own pool has at most."""


class Threads:
    """The threads that plugins started and that still live."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._started: dict[str, WeakSet[Thread]] = {}
        self._told: set[str] = set()

    def add(self, origin: Origin, thread: Thread) -> None:
        """A plugin starts a thread."""
        with self._lock:
            self._started.setdefault(origin.plugin, WeakSet()).add(thread)

    def alive(self) -> Mapping[str, int]:
        """How many threads each plugin keeps."""
        with self._lock:
            started = {plugin: list(threads) for plugin, threads in self._started.items()}
        return {plugin: sum(thread.is_alive() for thread in threads) for plugin, threads in started.items()}

    def check(self, origin: Origin) -> None:
        """Say once of a plugin that it keeps too many."""
        count = self.alive().get(origin.plugin, 0)
        if count > MOST_THREADS and origin.plugin not in self._told:
            self._told.add(origin.plugin)
            _log.warning("plugin threads", plugin=origin.plugin, hook=origin.hook, threads=count)


@dataclass(slots=True)
class Speaker:
    """A call, or a thread that one started, and what it printed. It is ``used`` when there is something to tell."""

    origin: Origin
    threads: Threads
    in_thread: bool = False
    used: bool = False
    _started: int = 0
    _text: list[str] = field(default_factory=list)
    _size: int = 0

    def say(self, text: str) -> None:
        """Keep what is printed, as far as it is logged."""
        self.used = True
        if self._size < MOST_CHARACTERS:
            self._text.append(text[: MOST_CHARACTERS - self._size])
        self._size += len(text)
        # Nobody knows when a thread is done: its first line is logged, as a sign, and no more.
        if self.in_thread and "\n" in text and self._text:
            self._tell()
            self._size = MOST_CHARACTERS

    def start(self, thread: Thread) -> None:
        """It starts a thread."""
        self.used = True
        self._started += 1
        self.threads.add(self.origin, thread)
        _BORN[thread] = Speaker(self.origin, self.threads, in_thread=True)

    def end(self, origin: Origin | None = None) -> None:
        """The call is over; whose it was, for a speaker that speaks for several hooks."""
        self.origin = origin or self.origin
        if self._size:
            self._tell()
            self._size = 0
        if self._started:
            self._started = 0
            self.threads.check(self.origin)
        self.used = False

    def _tell(self) -> None:
        text, self._text = "".join(self._text).rstrip(), []
        silence = SPEAKER.set(None)
        try:
            _log.warning(
                "plugin output", plugin=self.origin.plugin, hook=self.origin.hook, text=text, characters=self._size
            )
        finally:
            SPEAKER.reset(silence)


SPEAKER: Final[ContextVar[Speaker | None]] = ContextVar("SPEAKER", default=None)
_BORN: Final[WeakKeyDictionary[Thread, Speaker]] = WeakKeyDictionary()


def speaker() -> Speaker | None:
    """Whose code runs in this thread, if it is foreign."""
    return SPEAKER.get() or _BORN.get(current_thread())


def watch_threads() -> None:
    """Learn of threads as they are started, from now on.

    A thread does not know who started it, and nothing else tells: Python raises an audit event only since 3.12. So
    ``Thread.start`` is the process's own function with a look at the speaker before it.
    """
    Thread.start = _start  # type: ignore[method-assign]


_original: Final = Thread.start


@wraps(_original)
def _start(self: Thread) -> None:
    starter = SPEAKER.get()
    if starter is not None:
        starter.start(self)
    _original(self)
