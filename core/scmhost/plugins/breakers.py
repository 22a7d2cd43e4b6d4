"""Which hooks of which plugins are suspended in this process, and until when."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from threading import Lock

import structlog

from scmhost.infra.clock import Clock, SystemClock

from .breaker import HEALTHY, Circuit, Terms, begin, failed, succeeded
from .errors import Origin, PluginFault
from .schema import Breaker

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Suspension:
    """A hook that is left alone for a while. The times are in UTC; ``faults`` is how many it had in a row."""

    plugin: str
    hook: str
    since: datetime
    next_try: datetime
    faults: int
    last_fault: str

    @property
    def told(self) -> str:
        """Since when and until when, and why."""
        times = "1 fault" if self.faults == 1 else f"{self.faults} faults in a row"
        since, again = _told(self.since), _told(self.next_try)
        return f"suspended since {since} after {times}; next try at {again}; last fault: {self.last_fault}"


class Breakers:
    """A circuit for each hook of each plugin; safe to use from many threads.

    A circuit is of one hook, not of a plugin: a hook that asks a code host in vain must not take with it those that
    only put URLs together. ``terms`` gives the thresholds of a plugin; it may be replaced when settings change.
    """

    def __init__(self, terms: Callable[[str], Terms] = lambda _: Breaker(), clock: Clock | None = None) -> None:
        self.terms = terms
        self._clock = clock or SystemClock()
        self._lock = Lock()
        # Healthy circuits are not kept: most calls find nothing here, and need no lock.
        self._circuits: dict[tuple[str, str], Circuit] = {}

    def enter(self, origin: Origin) -> bool:
        """Let a call begin; true when it is the one that tries whether a suspended hook works again.

        Raises:
            PluginFault: the hook is suspended.
        """
        key = origin.plugin, origin.hook
        if key not in self._circuits:
            return False
        with self._lock:
            now = self._clock.now()
            circuit, entry = begin(self._circuits.get(key, HEALTHY), now)
            self._keep(key, circuit)
        if entry == "refused":
            raise _refused(origin, circuit, now)
        return entry == "probe"

    def success(self, origin: Origin, *, probe: bool) -> None:
        """A call came back well, or said on purpose that it cannot answer."""
        key = origin.plugin, origin.hook
        if key not in self._circuits:
            return
        with self._lock:
            before = self._circuits.get(key, HEALTHY)
            after = succeeded(before, probe=probe)
            self._keep(key, after)
        if before.since is not None and after.since is None:
            # As loud as its beginning: whoever saw the one waits for the other.
            _log.warning("plugin resumed", plugin=origin.plugin, hook=origin.hook, suspended_since=_told(before.since))

    def fault(self, origin: Origin, told: str, *, probe: bool) -> None:
        """A call was a fault of the plugin."""
        key = origin.plugin, origin.hook
        terms = self.terms(origin.plugin)
        with self._lock:
            before = self._circuits.get(key, HEALTHY)
            after = failed(before, terms, self._clock.now(), told, probe=probe)
            self._keep(key, after)
        if after.next_try is not None and after.next_try != before.next_try:
            again = _told(after.next_try)
            _log.warning("plugin suspended", plugin=origin.plugin, hook=origin.hook, next_try=again, fault=told)

    def forget(self, plugin: str) -> None:
        """Begin anew with a plugin, as after it was admitted again."""
        with self._lock:
            for key in [key for key in self._circuits if key[0] == plugin]:
                del self._circuits[key]

    def suspensions(self) -> tuple[Suspension, ...]:
        """What is suspended now, by plugin and hook. A hook that waits for its next try to succeed is among it."""
        if not self._circuits:
            return ()
        with self._lock:
            circuits = sorted(self._circuits.items())
        return tuple(
            Suspension(plugin, hook, circuit.since, circuit.next_try, circuit.faults, circuit.last_fault)
            for (plugin, hook), circuit in circuits
            if circuit.since is not None and circuit.next_try is not None
        )

    def _keep(self, key: tuple[str, str], circuit: Circuit) -> None:
        if circuit == HEALTHY:
            self._circuits.pop(key, None)
        else:
            self._circuits[key] = circuit


def _refused(origin: Origin, circuit: Circuit, now: datetime) -> PluginFault:
    assert circuit.since is not None  # noqa: S101 - only what is suspended is refused
    assert circuit.next_try is not None  # noqa: S101
    told = Suspension(origin.plugin, origin.hook, circuit.since, circuit.next_try, circuit.faults, circuit.last_fault)
    # While another call tries, its moment is past.
    wait = max(1, ceil((circuit.next_try - now).total_seconds()))
    return PluginFault(origin, "suspended", told.told, retry_after=wait)


def _told(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
