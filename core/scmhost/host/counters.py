"""How often each hook of each plugin was called, how often it failed, and its slowest call."""

from dataclasses import dataclass
from threading import Lock
from typing import Final

from .errors import Origin


@dataclass(frozen=True, slots=True)
class Count:
    """The calls of one plugin's hook so far. ``slowest`` is in seconds."""

    calls: int = 0
    faults: int = 0
    slowest: float = 0.0


class Tally:
    """A count that grows, for one thread at a time."""

    __slots__ = ("calls", "faults", "slowest")

    def __init__(self, calls: int = 0, faults: int = 0, slowest: float = 0.0) -> None:
        self.calls = calls
        self.faults = faults
        self.slowest = slowest

    def add(self, seconds: float, *, fault: bool = False) -> None:
        """Count one call."""
        self.calls += 1
        self.faults += fault
        if seconds > self.slowest:  # noqa: PLR1730 - a call of max would cost as much as all the rest
            self.slowest = seconds


class Counters:
    """Counts of all plugins; safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts: dict[tuple[str, str], Tally] = {}
        self._beside: dict[tuple[str, str], Tally] = {}

    def add(self, origin: Origin, seconds: float, *, fault: bool = False) -> None:
        """Count one call."""
        key = origin.plugin, origin.hook
        with self._lock:
            if key not in self._counts:
                self._counts[key] = Tally()
            self._counts[key].add(seconds, fault=fault)

    def beside(self, origin: Origin, tally: Tally) -> None:
        """From now on, a tally that somebody else keeps belongs to a hook's count too."""
        key = origin.plugin, origin.hook
        with self._lock:
            before = self._beside.get(key, tally)
            if before is not tally:
                self._counts[key] = _sum(self._counts.get(key, _NOTHING), before)
            self._beside[key] = tally

    def all(self) -> dict[tuple[str, str], Count]:
        """The counts of now, by plugin and hook."""
        with self._lock:
            sums = {key: _sum(tally, self._beside.get(key, _NOTHING)) for key, tally in self._counts.items()}
        return {key: Count(tally.calls, tally.faults, tally.slowest) for key, tally in sums.items()}


def _sum(one: Tally, other: Tally) -> Tally:
    return Tally(one.calls + other.calls, one.faults + other.faults, max(one.slowest, other.slowest))


_NOTHING: Final = Tally()
