"""How the switchboard of a process stands: what was read last, and what is wrong with what stands in the file now."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from .schema import Settings


@dataclass(frozen=True, slots=True)
class Switchboard:
    """How a process's switchboard stands.

    Attributes:
        file: where it is written.
        sha256: of the bytes that count now; None without a file. Workers that agree have the same.
        generation: how often this process has taken settings; 1 at the start.
        loaded_at: when it took those that count now.
        stale_since: since when the file cannot be used, so that older settings count; None while it can.
        error: why it cannot be used.
        restart_for: keys that were changed and wait for a restart.
    """

    file: str
    sha256: str | None
    generation: int
    loaded_at: datetime
    stale_since: datetime | None = None
    error: str | None = None
    restart_for: tuple[str, ...] = ()


def waits_for_restart(started: Settings, now: Settings) -> tuple[str, ...]:
    """The keys that a process reads at its start alone and that have changed since."""
    return tuple(_changed(started, now))


def _changed(started: Settings, now: Settings) -> Iterator[str]:
    for table in ("host", "limits"):
        before, after = getattr(started, table), getattr(now, table)
        for name in type(before).model_fields:
            if getattr(before, name) != getattr(after, name):
                yield f"{table}.{name}"
