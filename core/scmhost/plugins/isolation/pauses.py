"""Installations whose code host asked for a pause, such as after too many requests.

Until it is over, no I/O hook is called for the installation: each further request would be refused too, and some hosts
then extend the pause. Each process learns of a pause by itself.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil
from threading import Lock
from time import monotonic
from typing import Final

from scmhost.sdk import Installation, ProviderUnavailable, RateLimited

LONGEST_PAUSE: Final = 86_400
"""A longer pause is shortened to one day, in seconds, because a host may send nonsense."""


@dataclass(frozen=True, slots=True)
class Pause:
    """An installation that waits, and for how many seconds still."""

    provider: str
    installation_id: int
    seconds: int


@dataclass(slots=True)
class Pauses:
    """The pauses of one process. Safe to use from many threads.

    Attributes:
        clock: the time, in seconds.
        ends: when each pause ends, by provider and installation; some may be over. Nearly always it is empty.
    """

    clock: Callable[[], float] = monotonic
    ends: dict[tuple[str, int], float] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def check(self, installation: Installation) -> None:
        """Refuse a call while the installation waits.

        Raises:
            RateLimited: with the seconds that are left.
        """
        seconds = self._remaining(_key(installation))
        if seconds:
            raise RateLimited(f"The code host of {installation.name!r} asked to wait {seconds} s more.", seconds)

    def note(self, installation: Installation, error: ProviderUnavailable) -> None:
        """Begin a pause if the error asks for one. A shorter one does not end a longer one."""
        seconds = seconds_of(error)
        if seconds:
            key, end = _key(installation), self.clock() + seconds
            with self._lock:
                self.ends[key] = max(end, self.ends.get(key, end))

    def all(self) -> tuple[Pause, ...]:
        """Return the pauses that are not over, by provider and installation."""
        with self._lock:
            keys = sorted(self.ends)
        return tuple(Pause(*key, seconds) for key in keys if (seconds := self._remaining(key)))

    def _remaining(self, key: tuple[str, int]) -> int:
        with self._lock:
            left = self.ends.get(key, 0.0) - self.clock()
            if left <= 0:
                self.ends.pop(key, None)
        return max(0, ceil(left))


def seconds_of(error: BaseException) -> int | None:
    """Return how long a code host asked to wait, in whole seconds; None if it did not, or what it said is no time."""
    asked: object = getattr(error, "retry_after", None) if isinstance(error, ProviderUnavailable) else None
    # Not a subclass: its methods are code of the plugin.
    if isinstance(asked, int | float) and type(asked) in (int, float) and asked > 0:
        return ceil(min(asked, LONGEST_PAUSE))
    return None


def _key(installation: Installation) -> tuple[str, int]:
    return installation.provider, installation.id
