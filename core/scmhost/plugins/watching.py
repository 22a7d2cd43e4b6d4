"""A thread that looks at something again and again, and at once when asked; and what tells files apart."""

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from time import time_ns
from typing import Final, Self

LOOK_SECONDS: Final = 0.5
SETTLE_SECONDS: Final = 0.1

# File systems count time in ticks: what was written just now may be written again within the same one.
_TICK: Final = 2_000_000_000

Look = Callable[[bool], bool]
"""Is told whether somebody asked for the look, and tells whether to look again soon."""


@dataclass(frozen=True, slots=True)
class FileState:
    """A file as its directory tells of it. Two equal states of a settled file have the same content."""

    modified_ns: int
    changed_ns: int
    size: int
    inode: int

    @classmethod
    def of(cls, path: Path) -> Self | None:
        """The state of a file, or None when it is not there."""
        try:
            told = path.stat()
        except OSError:
            return None
        return cls(told.st_mtime_ns, told.st_ctime_ns, told.st_size, told.st_ino)

    @property
    def settled(self) -> bool:
        """Whether a later change would show."""
        return abs(time_ns() - self.changed_ns) > _TICK


class Watch:
    """Looks twice a second, in a thread of its own, until it is stopped."""

    def __init__(self, look: Look, seconds: float = LOOK_SECONDS) -> None:
        self._look = look
        self._seconds = seconds
        self._asked = Event()
        self._stopped = False
        self._thread = Thread(target=self._run, name="scmhost switchboard", daemon=True)
        self._thread.start()

    def ask(self) -> None:
        """Have it look now."""
        self._asked.set()

    def stop(self) -> None:
        """Look no more; waits for a look that is under way."""
        self._stopped = True
        self._asked.set()
        self._thread.join()

    def _run(self) -> None:
        soon = True
        while True:
            asked = self._asked.wait(SETTLE_SECONDS if soon else self._seconds)
            self._asked.clear()
            if self._stopped:
                return
            soon = self._look(asked)


def hold_hangups() -> bool:
    """Keep SIGHUP from ending this process and those that it starts; to be called before any thread is made.

    Whether there is such a signal on this system.
    """
    if not hasattr(signal, "SIGHUP"):
        return False
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    return True


def on_hangup(call: Callable[[], None]) -> None:
    """Call something for each SIGHUP, one that came since ``hold_hangups`` included."""
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
