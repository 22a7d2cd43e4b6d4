"""Imports a room of the host that is none of its business."""

from scmhost.infra.clock import SystemClock

from .right import Right

CLOCK = SystemClock()


class Curious(Right):
    """Has a clock that is not its own."""
