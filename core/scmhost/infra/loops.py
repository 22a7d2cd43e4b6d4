"""Background loops: work that a thread repeats as long as the service runs."""

import time
from collections.abc import Callable
from threading import Event, Thread
from typing import Final

import structlog

from scmhost.infra.telemetry import NO_TELEMETRY, Telemetry

log = structlog.get_logger(__name__)

SOON: Final = 0.1
"""The pause after a round that returned True, in seconds."""

MOST_PAUSE: Final = 60.0
"""The longest pause after failures, in seconds."""

Work = Callable[[bool], bool]
"""One round. Gets whether it was woken, and returns whether the next round should come soon."""


class Loop:
    """Repeats a piece of work until it is stopped.

    A round that raises is logged and counted, and the next one comes after a pause that doubles with every failure in a
    row, up to ``MOST_PAUSE``. Nothing that a round does ends the loop.

    Args:
        name: the loop's name in logs, metrics and ``/readyz``.
        work: one round.
        seconds: the pause between rounds.
        stuck_after: the loop is stuck when no round succeeded, and no ``beat`` came, for this many seconds.
        telemetry: counts the rounds that failed.
        monotonic: the clock, in seconds.
    """

    def __init__(
        self,
        name: str,
        work: Work,
        *,
        seconds: float,
        stuck_after: float = 120.0,
        telemetry: Telemetry = NO_TELEMETRY,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._work = work
        self._seconds = seconds
        self._stuck_after = stuck_after
        self._telemetry = telemetry
        self._monotonic = monotonic
        self._failures = 0
        self._error: str | None = None
        self._alive_at = monotonic()
        self._woken = Event()
        self._stopped = False
        self._thread: Thread | None = None

    def start(self) -> "Loop":
        """Begin with the first round, in a thread."""
        self._alive_at = self._monotonic()
        # A daemon thread: a process that exits without stop() must not hang.
        self._thread = Thread(target=self._run, name=f"scmhost {self.name}", daemon=True)
        self._thread.start()
        return self

    def wake(self) -> None:
        """Start the next round now."""
        self._woken.set()

    def end(self) -> None:
        """Let the loop end after the round that is under way, without waiting for it."""
        self._stopped = True
        self._woken.set()

    def is_ending(self) -> bool:
        """Return whether the loop is to end. A long round asks for it, and ends early."""
        return self._stopped

    def stop(self) -> None:
        """End the loop. Waits for the round that is under way, which may need the database."""
        self.end()
        if self._thread is not None:
            self._thread.join()

    def beat(self) -> None:
        """Report progress from inside a long round, so that it does not count as stuck."""
        self._alive_at = self._monotonic()

    @property
    def stuck(self) -> str | None:
        """Return why the loop is stuck, in a sentence without secrets, or None."""
        idle = self._monotonic() - self._alive_at
        # A loop with long pauses is idle most of the time without being stuck.
        if idle <= max(self._stuck_after, 3 * self._seconds):
            return None
        if self._failures:
            times = "once" if self._failures == 1 else f"{self._failures} times in a row, last"
            return f"{self.name} failed {times} with {self._error}; the log has details"
        return f"{self.name} has made no progress for {idle:.0f} s"

    def round(self, *, woken: bool) -> float:
        """Run the work once. Return the pause until the next round, in seconds."""
        try:
            soon = self._work(woken)
        except Exception as error:  # noqa: BLE001 - no error of a round may end the loop
            return self._failed(error)
        self._failures = 0
        self.beat()
        return SOON if soon else self._seconds

    def _failed(self, error: Exception) -> float:
        self._failures += 1
        self._error = type(error).__name__
        # The exponent is limited, because a float overflows after a thousand failures.
        pause = min(MOST_PAUSE, max(self._seconds, 1.0) * 2.0 ** min(self._failures - 1, 10))
        # Only the type of the error is kept for /readyz, which anybody can read; the log has the text.
        log.error("loop failed", loop=self.name, failures=self._failures, next_in_seconds=pause, exc_info=error)
        self._telemetry.count("loop_failures", {self.name: 1})
        return pause

    def _run(self) -> None:
        woken = False
        while not self._stopped:
            woken = self._woken.wait(self.round(woken=woken))
            # A wake-up during the round has set the event, so the wait ended at once; it is cleared only now.
            self._woken.clear()


class Loops:
    """The loops of one process."""

    def __init__(self) -> None:
        self._loops: list[Loop] = []

    def add(self, *loops: Loop) -> None:
        """Add running loops: ``stuck`` reports on them, and ``stop`` ends them."""
        self._loops += loops

    @property
    def stuck(self) -> list[str]:
        """Return a sentence for each loop that is stuck."""
        return [reason for loop in self._loops if (reason := loop.stuck)]

    def stop(self) -> None:
        """End all loops, each after the round that is under way, and remove them."""
        # All are signalled before the first wait, so that the rounds end at the same time and not in turn.
        for loop in self._loops:
            loop.end()
        for loop in self._loops:
            loop.stop()
        self._loops.clear()
