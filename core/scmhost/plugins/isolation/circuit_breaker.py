"""The health of hooks: counts of their calls, and a circuit breaker that suspends hooks that keep failing.

A circuit is closed while calls pass. It opens after some faults in a row. When its pause is over it is half open: one
call passes as a probe. A successful probe closes the circuit, a failed one doubles the pause up to a limit.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import ceil
from threading import Lock
from time import monotonic
from typing import Any, Final, Literal

from scmhost.infra.clock import Clock, SystemClock
from scmhost.infra.settings import Breaker
from scmhost.plugins.errors import Origin, PluginFault
from scmhost.sdk import Installation, ProviderError, ProviderUnavailable, RateLimited

_log = logging.getLogger(__name__)

Entry = Literal["call", "probe", "refused"]
HookKey = tuple[str, str]
"""A plugin and a hook."""


@dataclass(frozen=True, slots=True)
class Circuit:
    """The state of one hook. ``faults`` counts the faults in a row.

    The circuit is open while it has a ``since``, and half open while it is ``probing``.
    """

    faults: int = 0
    last_fault: str = ""
    since: datetime | None = None
    pause: timedelta = timedelta()
    next_try: datetime | None = None
    probing: bool = False

    def begin(self, now: datetime) -> "tuple[Circuit, Entry]":
        """Return whether a call may begin, and the circuit from then on."""
        if self.since is None:
            return self, "call"
        if self.probing or not self._is_due(now):
            return self, "refused"
        return replace(self, probing=True), "probe"

    def succeed(self, *, probe: bool) -> "Circuit":
        """Return the circuit after a successful call. One that began before the suspension proves nothing."""
        return HEALTHY if probe or self.since is None else self

    def fail(self, thresholds: Breaker, now: datetime, fault: str, *, probe: bool) -> "Circuit":
        """Return the circuit after a faulty call."""
        after = replace(self, faults=self.faults + 1, last_fault=fault)
        # Only the probe decides: calls from before the suspension may still fail during the pause.
        if probe and self.since is not None:
            return _opened(after, thresholds, now, self.pause * 2)
        if self.since is None and after.faults >= thresholds.faults:
            return _opened(after, thresholds, now, timedelta(seconds=thresholds.pause_seconds))
        return after

    def _is_due(self, now: datetime) -> bool:
        # A clock that was set back must not make the pause longer.
        return self.next_try is None or not self.next_try - self.pause <= now < self.next_try


def _opened(circuit: Circuit, thresholds: Breaker, now: datetime, pause: timedelta) -> Circuit:
    # Bounded, so that a code host that is back after hours is noticed within minutes.
    pause = min(pause, timedelta(seconds=thresholds.longest_pause_seconds))
    return replace(circuit, since=circuit.since or now, pause=pause, next_try=now + pause, probing=False)


HEALTHY: Final = Circuit()


@dataclass(frozen=True, slots=True)
class Suspension:
    """A suspended hook. The times are in UTC; ``faults`` counts its faults in a row."""

    plugin: str
    hook: str
    since: datetime
    next_try: datetime
    faults: int
    last_fault: str

    @property
    def description(self) -> str:
        """The begin, the end and the reason of the suspension."""
        times = "1 fault" if self.faults == 1 else f"{self.faults} faults in a row"
        since, again = _utc(self.since), _utc(self.next_try)
        return f"suspended since {since} after {times}; next try at {again}; last fault: {self.last_fault}"


class CircuitBreaker:
    """The circuits of all hooks of all plugins. Safe to use from many threads.

    A circuit belongs to a hook, not to a plugin: a hook that cannot reach its code host must not suspend hooks that
    only build URLs. ``thresholds`` returns the limits of a plugin and may be replaced when settings change.
    """

    def __init__(self, thresholds: Callable[[str], Breaker] = lambda _: Breaker(), clock: Clock | None = None) -> None:
        self.thresholds = thresholds
        self._clock = clock or SystemClock()
        self._lock = Lock()
        # Healthy circuits are not stored: most calls find an empty dict here and need no lock.
        self.circuits: dict[HookKey, Circuit] = {}

    def enter(self, origin: Origin) -> bool:
        """Begin a call; return whether it is the probe of a suspended hook.

        Raises:
            PluginFault: the hook is suspended.
        """
        key = origin.plugin, origin.hook
        if key not in self.circuits:
            return False
        with self._lock:
            now = self._clock.now()
            circuit, entry = self.circuits.get(key, HEALTHY).begin(now)
            self._store(key, circuit)
        if entry == "refused":
            raise _suspended(origin, circuit, now)
        return entry == "probe"

    def success(self, origin: Origin, *, probe: bool) -> None:
        """Record a call that returned, or raised on purpose."""
        key = origin.plugin, origin.hook
        if key not in self.circuits:
            return
        with self._lock:
            before = self.circuits.get(key, HEALTHY)
            after = before.succeed(probe=probe)
            self._store(key, after)
        if before.since is not None and after.since is None:
            # A warning like the suspension, so that a filter by level keeps both.
            since = _utc(before.since)
            _log.warning(
                "plugin resumed", extra={"plugin": origin.plugin, "hook": origin.hook, "suspended_since": since}
            )

    def fault(self, origin: Origin, fault: str, *, probe: bool) -> None:
        """Record a call that failed because of the plugin."""
        key = origin.plugin, origin.hook
        # Before the lock: it is a callback.
        thresholds = self.thresholds(origin.plugin)
        with self._lock:
            before = self.circuits.get(key, HEALTHY)
            after = before.fail(thresholds, self._clock.now(), fault, probe=probe)
            self._store(key, after)
        # Logged when a pause begins, not for each refused call.
        if after.next_try is not None and after.next_try != before.next_try:
            again = _utc(after.next_try)
            fields = {"plugin": origin.plugin, "hook": origin.hook, "next_try": again, "fault": fault}
            _log.warning("plugin suspended", extra=fields)

    def forget(self, plugin: str) -> None:
        """Close all circuits of a plugin that is loaded again."""
        with self._lock:
            # A list, because the loop changes the dictionary.
            for key in [key for key in self.circuits if key[0] == plugin]:
                del self.circuits[key]

    def suspensions(self) -> tuple[Suspension, ...]:
        """Return the suspended hooks by plugin and hook, half open ones included."""
        with self._lock:
            circuits = sorted(self.circuits.items())
        return tuple(
            Suspension(plugin, hook, circuit.since, circuit.next_try, circuit.faults, circuit.last_fault)
            for (plugin, hook), circuit in circuits
            if circuit.since is not None and circuit.next_try is not None
        )

    def _store(self, key: HookKey, circuit: Circuit) -> None:
        if circuit == HEALTHY:
            self.circuits.pop(key, None)
        else:
            self.circuits[key] = circuit


def _suspended(origin: Origin, circuit: Circuit, now: datetime) -> PluginFault:
    assert circuit.since is not None  # noqa: S101 - only an open circuit refuses
    assert circuit.next_try is not None  # noqa: S101
    found = Suspension(origin.plugin, origin.hook, circuit.since, circuit.next_try, circuit.faults, circuit.last_fault)
    # While a probe runs, the time of the next try has passed.
    wait = max(1, ceil((circuit.next_try - now).total_seconds()))
    return PluginFault(origin, "suspended", found.description, retry_after=wait)


def _utc(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Count:
    """The calls of one plugin's hook so far.

    Attributes:
        calls: all calls.
        faults: calls that failed because of the plugin.
        slowest: the slowest call, in seconds.
        refusals: calls that raised a ``ProviderError`` on purpose.
        unavailable: the latest calls in a row that reported that the code host does not answer.
    """

    calls: int = 0
    faults: int = 0
    slowest: float = 0.0
    refusals: int = 0
    unavailable: int = 0


class Counters:
    """The counts of all hooks. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        # A list per hook, in the order of the fields of Count: most calls change two of them.
        self._counts: dict[HookKey, list[Any]] = {}

    def add(self, key: HookKey, seconds: float, *, fault: bool = False) -> None:
        """Count one call."""
        with self._lock:
            self._add(key, seconds, fault=fault)

    def refuse(self, key: HookKey, seconds: float, error: ProviderError) -> None:
        """Count a call that raised a ``ProviderError`` on purpose."""
        with self._lock:
            before = self._counts.get(key, _NO_CALLS)[4]
            self._add(key, seconds, fault=False)
            self._counts[key][3] += 1
            self._counts[key][4] = before + 1 if isinstance(error, ProviderUnavailable) else 0

    def all(self) -> dict[HookKey, Count]:
        """Return the counts by plugin and hook."""
        with self._lock:
            return {key: Count(*count) for key, count in self._counts.items()}

    def _add(self, key: HookKey, seconds: float, *, fault: bool) -> None:
        count = self._counts.get(key) or self._counts.setdefault(key, list(_NO_CALLS))
        count[0] += 1
        count[1] += fault
        count[4] = 0
        if seconds > count[2]:  # noqa: PLR1730 - a call of max would cost as much as all the rest
            count[2] = seconds


_NO_CALLS: Final = (0, 0, 0.0, 0, 0)


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
                # While there is no entry, calls do not take the lock at all.
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
