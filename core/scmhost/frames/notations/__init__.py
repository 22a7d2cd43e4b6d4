"""The notations of stack traces. A new one is a module with ``LANGUAGE`` and ``read``, and a row in the table."""

from typing import Final, Protocol

from scmhost.frames.frame import Spot

from . import pytest_short, python


class Notation(Protocol):
    """A grammar of one kind of trace. ``read`` takes a line without its line end, in linear time."""

    LANGUAGE: str

    def read(self, line: str, /) -> Spot | None:
        """The frame on this line, or None when the line is not in this notation."""


NOTATIONS: Final[tuple[Notation, ...]] = (python, pytest_short)
"""In the order in which a line is offered: the notation that is hardest to mistake stands first."""
