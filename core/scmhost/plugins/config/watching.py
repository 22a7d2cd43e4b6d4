"""The thread that watches a file, the state of files on the disk, and the signal SIGHUP."""

import logging
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from time import time_ns
from typing import Final, Self

_log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 0.5
SETTLE_SECONDS: Final = 0.1
LONGEST_PAUSE_SECONDS: Final = 30.0

# File systems count time in ticks: a file may be written twice within the same one.
_TICK: Final = 2_000_000_000

Look = Callable[[bool], bool]
"""Gets whether the look was requested, and returns whether the next look should follow soon."""


@dataclass(frozen=True, slots=True)
class FileState:
    """The metadata of a file. Two equal states of a settled file have the same content."""

    modified_ns: int
    changed_ns: int
    size: int
    inode: int

    @classmethod
    def of(cls, path: Path) -> Self | None:
        """Return the state of a file, or None when it does not exist."""
        try:
            found = path.stat()
        except OSError:
            return None
        return cls(found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino)

    @property
    def settled(self) -> bool:
        """Whether a later change would show in the metadata."""
        return abs(time_ns() - self.changed_ns) > _TICK


class Watch:
    """Calls a function twice a second, in a thread of its own, until it is stopped.

    A look that raises is logged and counted, and the thread goes on after a pause that doubles with each failure in a
    row.

    Attributes:
        failures: how many looks in a row have raised.
    """

    def __init__(self, look: Look, seconds: float = LOOK_SECONDS) -> None:
        self.failures = 0
        self._look = look
        self._seconds = seconds
        self._requested = Event()
        self._stopped = False
        self._thread = Thread(target=self._run, name="scmhost configuration watcher", daemon=True)
        self._thread.start()

    def ask(self) -> None:
        """Request a look now."""
        self._requested.set()

    def stop(self) -> None:
        """End the thread after the look that is under way."""
        self._stopped = True
        self._requested.set()
        self._thread.join()

    def _run(self) -> None:
        pause = SETTLE_SECONDS
        while True:
            requested = self._requested.wait(pause)
            self._requested.clear()
            if self._stopped:
                return
            pause = self._next_pause(requested=requested)

    def _next_pause(self, *, requested: bool) -> float:
        """Look, and return the seconds until the next look."""
        try:
            soon = self._look(requested)
        except Exception:  # noqa: BLE001 - this loop must not end: no plugin could be switched off any more
            self.failures += 1
            _log.exception("configuration watch failed", extra={"failures": self.failures})
            return min(self._seconds * 2.0 ** min(self.failures, 10), LONGEST_PAUSE_SECONDS)
        self.failures = 0
        return SETTLE_SECONDS if soon else self._seconds


def hold_hangups() -> bool:
    """Block SIGHUP in this process and its children; call this before any thread is started.

    Return whether this system has the signal.
    """
    if not hasattr(signal, "SIGHUP"):
        return False
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    return True


def on_hangup(call: Callable[[], None]) -> None:
    """Call a function for each SIGHUP, also for one that came since ``hold_hangups``."""
    if hold_hangups():
        Thread(target=_wait_for_hangups, args=(call,), name="scmhost hangups", daemon=True).start()


def pass_on_hangups(processes: Callable[[], list[int]]) -> None:
    """Send each SIGHUP on to other processes, by their ids."""
    on_hangup(lambda: _send(processes()))


def _wait_for_hangups(call: Callable[[], None]) -> None:
    while True:
        signal.sigwait({signal.SIGHUP})
        call()


def _send(processes: list[int]) -> None:
    for process in processes:
        # One that has just ended needs no signal.
        try:
            os.kill(process, signal.SIGHUP)
        except ProcessLookupError:
            continue
