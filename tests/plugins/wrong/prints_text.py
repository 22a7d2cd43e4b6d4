"""Prints while it is imported."""

from .correct import Correct

print("ready")  # noqa: T201 - its fault


class PrintsText(Correct):
    """A correct plugin otherwise."""
