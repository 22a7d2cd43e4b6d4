"""How often each hook of each plugin was called, how often it failed or could not answer, and its slowest call."""

from dataclasses import dataclass
from threading import Lock
from typing import Final

from scmhost.sdk import ProviderUnavailable

from .errors import Origin


@dataclass(frozen=True, slots=True)
class Count:
    """The calls of one plugin's hook so far.

    Attributes:
        calls: how many there were.
        faults: how many of them were the plugin's fault.
        slowest: the slowest one, in seconds.
        refusals: how many gave a ``ProviderError`` on purpose.
        unavailable: how many of the latest, in a row, told that the code host does not answer now.
    """

    calls: int = 0
    faults: int = 0
    slowest: float = 0.0
    refusals: int = 0
    unavailable: int = 0


class Tally:
    """A count that grows, for one thread at a time."""

    __slots__ = ("calls", "faults", "refusals", "slowest", "unavailable")

    def __init__(
        self, calls: int = 0, faults: int = 0, slowest: float = 0.0, refusals: int = 0, unavailable: int = 0
    ) -> None:
        self.calls = calls
        self.faults = faults
        self.slowest = slowest
        self.refusals = refusals
        self.unavailable = unavailable

    def add(self, seconds: float, *, fault: bool = False) -> None:
        """Count one call."""
        self.calls += 1
        self.faults += fault
        self.unavailable = 0
        if seconds > self.slowest:  # noqa: PLR1730 - a call of max would cost as much as all the rest
            self.slowest = seconds

    def refuse(self, seconds: float, error: Exception) -> None:
        """Count a call that gave a ``ProviderError`` on purpose."""
        before = self.unavailable
        self.add(seconds)
        self.refusals += 1
        if isinstance(error, ProviderUnavailable):
            self.unavailable = before + 1


class Counters:
    """Counts of all plugins; safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts: dict[tuple[str, str], Tally] = {}
        self._beside: dict[tuple[str, str], Tally] = {}

    def add(self, origin: Origin, seconds: float, *, fault: bool = False) -> None:
        """Count one call."""
        with self._lock:
            self._of(origin).add(seconds, fault=fault)

    def refuse(self, origin: Origin, seconds: float, error: Exception) -> None:
        """Count a call that gave a ``ProviderError`` on purpose."""
        with self._lock:
            self._of(origin).refuse(seconds, error)

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
        return {
            key: Count(tally.calls, tally.faults, tally.slowest, tally.refusals, tally.unavailable)
            for key, tally in sums.items()
        }

    def _of(self, origin: Origin) -> Tally:
        return self._counts.setdefault((origin.plugin, origin.hook), Tally())


def _sum(one: Tally, other: Tally) -> Tally:
    return Tally(
        one.calls + other.calls,
        one.faults + other.faults,
        max(one.slowest, other.slowest),
        one.refusals + other.refusals,
        # Which of them was called last is not known; either one's good answer shows that the host is there.
        min((tally.unavailable for tally in (one, other) if tally.calls), default=0),
    )


_NOTHING: Final = Tally()
