"""Bounds for pure hooks, which run in the threads of their callers, and the copies of values that hooks get.

A few pure hooks run at a time per plugin.

A call that hangs cannot be ended, and keeps its caller. So a plugin has few slots, and each call takes one: a plugin
that hangs keeps as many callers as it has slots, and further callers get an answer without it.
"""

from collections import deque
from collections.abc import Callable, Iterable
from threading import Condition
from time import perf_counter
from typing import TYPE_CHECKING, Final, NamedTuple

from scmhost.sdk.values import own_copy

if TYPE_CHECKING:
    from .guard import Implementation

SLOTS_PER_PLUGIN: Final = 4

PATIENCE: Final = 0.25
"""How long a caller waits for a slot, in seconds, after one was last taken.

Pure hooks take microseconds, so that several callers at once are served in that time.
"""

RunningCall = tuple["Implementation", float, int, bool]
"""The implementation, the time of its begin, the caller's thread, and whether it is a probe of the circuit breaker."""


class Slot:
    """The right to run one call. ``reported`` is the call that was reported as overdue."""

    __slots__ = ("call", "reported")

    def __init__(self) -> None:
        self.call: RunningCall | None = None
        self.reported: RunningCall | None = None


class OverdueCall(NamedTuple):
    """A pure hook that has exceeded its budget and still runs. Times are in seconds."""

    plugin: str
    hook: str
    seconds: float
    budget: float
    place: str

    @property
    def description(self) -> str:
        """The hook, the time that it has run for, and the line that it is at."""
        return f"{self.hook} has not come back after {self.seconds:.1f} s; its budget is {self.budget:g} s{self.place}"


# A request uses few installations and repositories, each in many calls.
_MOST_KEPT: Final = 512

_REUSED: Final = frozenset({"installation", "repository", "organization"})

COPIED: Final = _REUSED | {"location", "repositories", "candidate", "payload", "request", "configuration", "webhook"}
"""The arguments of hooks that the host may read again after the call.

The values are frozen, but Python cannot keep a plugin from writing to the ``__dict__`` of an object that it has. Hooks
get copies, so that what they change never reaches the host or another plugin.
"""


class KeptCopies:
    """The copies that the pure hooks of one plugin get: one of each object for many calls, so that a call is cheap.

    Safe to use from many threads: each step is one operation of a dict.
    """

    def __init__(self) -> None:
        # The original is kept too: another object could get its id.
        self._kept: dict[int, tuple[object, object]] = {}

    def replace(self, arguments: dict[str, object], names: Iterable[str]) -> None:
        """Replace the arguments with these names by copies."""
        kept = self._kept
        for name in names:
            value = arguments[name]
            known = kept.get(id(value))
            # In one line, without a call: this runs for each argument of each link.
            arguments[name] = known[1] if known is not None and known[0] is value else self._copy(name, value)

    def _copy(self, name: str, value: object) -> object:
        copied: object = own_copy(value)
        if name in _REUSED:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[id(value)] = value, copied
        return copied


class InlineCalls:
    """The slots of one plugin, and its copies of values. Safe to use from many threads.

    Slots are taken and returned without a lock: both are one atomic operation of a deque, and a call of a pure hook
    costs little more than that.
    """

    def __init__(self, limit: int = SLOTS_PER_PLUGIN, clock: Callable[[], float] = perf_counter) -> None:
        self.limit = limit
        self.slots = tuple(Slot() for _ in range(limit))
        self.free = deque(self.slots)
        self.copies = KeptCopies()
        self._clock = clock
        self._change = Condition()
        self._waiting = 0

    def take(self) -> Slot | None:
        """Return a free slot; None when none became free within ``PATIENCE``, or when all calls are overdue."""
        try:
            return self.free.pop()
        except IndexError:
            return self._wait()

    def release(self, slot: Slot) -> None:
        """Return a slot after its call."""
        slot.call = None
        self.free.append(slot)
        # Read without the lock: a caller checks the free slots again before it waits.
        if self._waiting:
            with self._change:
                self._change.notify()

    def find_overdue(self) -> list[tuple[Slot, RunningCall]]:
        """Return the calls that have exceeded their budget, whether they were reported or not."""
        now = self._clock()
        running = [(slot, slot.call) for slot in self.slots]
        return [(slot, call) for slot, call in running if call and now - call[1] > call[0].spec.budget]

    def report(self, slot: Slot, call: RunningCall) -> bool:
        """Mark a call as reported; return False when it has ended or was reported before."""
        with self._change:
            # The slot may serve the next call by now, which has a budget of its own.
            if slot.call is not call or slot.reported is call:
                return False
            slot.reported = call
            return True

    def end_reported(self, slot: Slot) -> bool:
        """Take the call out of its slot, so that it is not reported any more. Return whether it was reported."""
        with self._change:
            reported, slot.reported, slot.call = slot.reported, None, None
            return reported is not None

    def _wait(self) -> Slot | None:
        with self._change:
            self._waiting += 1
            try:
                # A slot that was returned before the line above came without a notification.
                while not self.free:
                    left = self._patience_left()
                    if left <= 0:
                        return None
                    self._change.wait(left)
                return self._pop_or_none()
            finally:
                self._waiting -= 1

    def _pop_or_none(self) -> Slot | None:
        # A caller that did not wait may have taken the slot meanwhile.
        try:
            return self.free.pop()
        except IndexError:
            return None

    def _patience_left(self) -> float:
        calls = [(slot.call, slot.reported) for slot in self.slots]
        in_time = [call for call, reported in calls if call is None or call is not reported]
        if not in_time:
            return 0.0
        # The begin of a call shows that a slot was free then.
        last = max((call[1] for call in in_time if call is not None), default=self._clock())
        return last + PATIENCE - self._clock()
