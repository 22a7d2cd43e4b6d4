"""Which hooks may run in their caller's own thread: pure ones that were quick many times in a row, one at a time.

The hand-over to a lane costs ten times what a pure hook does. It is the price for being able to leave a call behind,
so it is paid until a hook has shown that it does not wait, and again from the first time that it is slow. A call that
then hangs all the same keeps the one thread that it was lent: the seat of its plugin stays taken, and every other call
of that plugin goes to a lane.
"""

from threading import Lock
from time import perf_counter
from typing import Final

from .counters import Tally
from .errors import Origin
from .speakers import Speaker

QUICK: Final = 0.001
"""Seconds. What asks a network or a disk is not as quick as this many times in a row."""

SLOW: Final = 0.05
"""Seconds. Another busy thread may hold the interpreter for some milliseconds; a hook in a seat is not to blame."""

PROOF: Final = 20
"""How many quick calls in a row earn trust."""


class Trust:
    """What one hook of a plugin has shown of itself. Its ``seat`` is open to it when it has earned that."""

    __slots__ = ("_quick", "seat", "slow", "tally")

    def __init__(self) -> None:
        self._quick = 0
        self.seat: Seat | None = None
        self.slow = SLOW
        # The calls in the seat. One at a time, they need no lock to be counted.
        self.tally = Tally()

    def see(self, seconds: float, budget: float, seat: "Seat") -> None:
        """A call in a lane came back well after so many seconds of its own."""
        self.slow = min(SLOW, budget)
        self._quick = self._quick + 1 if seconds <= QUICK else 0
        self.seat = seat if self._quick >= PROOF else None

    def lose(self) -> None:
        """It was slow, or at fault: it must earn trust again."""
        self._quick = 0
        self.seat = None


Sitting = tuple[Origin, float, int, float]
"""A call in a seat: whose it is, its budget in seconds, in which thread, and since when."""


class Seat:
    """The one caller's thread that a plugin may run in at a time: whoever holds ``lock``."""

    __slots__ = ("lock", "overdue", "sitting", "speaker")

    def __init__(self, speaker: Speaker) -> None:
        self.lock = Lock()
        self.speaker = speaker
        self.sitting: Sitting | None = None
        self.overdue = False

    def leave(self) -> bool:
        """The call has come back; whether somebody had found it overdue."""
        overdue, self.overdue, self.sitting = self.overdue, False, None
        self.lock.release()
        return overdue

    def found_overdue(self) -> Sitting | None:
        """The call in it, if it has passed its budget and nobody has said so yet."""
        sitting = self.sitting
        if sitting is None or self.overdue:
            return None
        _, budget, _, begun = sitting
        self.overdue = perf_counter() - begun > budget
        return sitting if self.overdue else None
