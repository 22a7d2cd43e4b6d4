"""Imports a module of scmhost that is not part of the SDK."""

from scmhost.kernel.clock import SystemClock

from .correct import Correct

CLOCK = SystemClock()


class ImportsInternals(Correct):
    """A correct plugin otherwise."""
