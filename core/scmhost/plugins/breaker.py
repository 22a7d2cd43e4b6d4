"""When a hook that keeps failing is left alone: a state machine of values, without a clock or a lock.

After some faults in a row a circuit is suspended. When its pause is over one call may try, and no other until that one
has come back: if it succeeds all is well again, if not the next pause is twice as long, up to a cap.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal, Protocol

Entry = Literal["call", "probe", "refused"]


class Terms(Protocol):
    """How many faults in a row are too many, and the first and the longest pause, in seconds."""

    @property
    def faults(self) -> int: ...
    @property
    def pause_seconds(self) -> int: ...
    @property
    def longest_pause_seconds(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Circuit:
    """What is known of one hook of one plugin. ``faults`` is how many it had in a row.

    It is suspended while it has a ``since``; ``probing`` while a call tries whether it works again.
    """

    faults: int = 0
    last_fault: str = ""
    since: datetime | None = None
    pause: timedelta = timedelta()
    next_try: datetime | None = None
    probing: bool = False


HEALTHY: Final = Circuit()


def begin(circuit: Circuit, now: datetime) -> tuple[Circuit, Entry]:
    """Whether a call may begin, and the circuit from then on."""
    if circuit.since is None:
        return circuit, "call"
    if circuit.probing or not _due(circuit, now):
        return circuit, "refused"
    return replace(circuit, probing=True), "probe"


def succeeded(circuit: Circuit, *, probe: bool) -> Circuit:
    """After a call that came back well. One that began before the suspension proves nothing about now."""
    return HEALTHY if probe or circuit.since is None else circuit


def failed(circuit: Circuit, terms: Terms, now: datetime, told: str, *, probe: bool) -> Circuit:
    """After a call that was a fault."""
    after = replace(circuit, faults=circuit.faults + 1, last_fault=told)
    if probe and circuit.since is not None:
        return _suspended(after, terms, now, circuit.pause * 2)
    if circuit.since is None and after.faults >= terms.faults:
        return _suspended(after, terms, now, timedelta(seconds=terms.pause_seconds))
    return after


def _suspended(circuit: Circuit, terms: Terms, now: datetime, pause: timedelta) -> Circuit:
    pause = min(pause, timedelta(seconds=terms.longest_pause_seconds))
    return replace(circuit, since=circuit.since or now, pause=pause, next_try=now + pause, probing=False)


def _due(circuit: Circuit, now: datetime) -> bool:
    """A clock that was set back must not make the pause longer."""
    return circuit.next_try is None or not circuit.next_try - circuit.pause <= now < circuit.next_try
