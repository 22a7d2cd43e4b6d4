"""The state of files on the disk, and the signal SIGHUP."""

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from time import time_ns
from typing import Final, Self

# File systems count time in ticks: a file may be written twice within the same one.
_TICK: Final = 2_000_000_000


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


def block_hangups() -> bool:
    """Block SIGHUP in this process and its children; call this before any thread is started.

    Return whether this system has the signal.
    """
    if not hasattr(signal, "SIGHUP"):
        return False
    # Blocked, so that ``sigwait`` receives the signal: its default action would end the process.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    return True


def on_hangup(call: Callable[[], None]) -> None:
    """Call a function for each SIGHUP, also for one that came since ``block_hangups``."""
    if block_hangups():
        Thread(target=_wait_for_hangups, args=(call,), name="scmhost hangups", daemon=True).start()


def forward_hangups(processes: Callable[[], list[int]]) -> None:
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
