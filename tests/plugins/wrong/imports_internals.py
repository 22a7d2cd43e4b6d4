"""Imports a module of scmhost that is not part of the SDK."""

from scmhost.infra.clock import SystemClock

from .correct import Correct

CLOCK = SystemClock()


class ImportsInternals(Correct):
    """A correct plugin otherwise."""
