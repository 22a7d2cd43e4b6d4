"""How often each hook of each plugin was called, how often it failed, and its slowest call."""

from dataclasses import dataclass
from threading import Lock

from .errors import Origin


@dataclass(frozen=True, slots=True)
class Count:
    """The calls of one plugin's hook so far. ``slowest`` is in seconds."""

    calls: int = 0
    faults: int = 0
    slowest: float = 0.0


class Counters:
    """Counts of all plugins; safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts: dict[tuple[str, str], Count] = {}

    def add(self, origin: Origin, seconds: float, *, fault: bool) -> None:
        """Count one call."""
        key = (origin.plugin, origin.hook)
        with self._lock:
            so_far = self._counts.get(key, _NONE)
            self._counts[key] = Count(so_far.calls + 1, so_far.faults + fault, max(so_far.slowest, seconds))

    def all(self) -> dict[tuple[str, str], Count]:
        """The counts of now, by plugin and hook."""
        with self._lock:
            return dict(self._counts)


_NONE = Count()
