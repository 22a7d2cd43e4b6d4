"""Prints while it is imported."""

from .right import Right

print("ready")  # noqa: T201 - that is what is wrong with it


class Talkative(Right):
    """Says so."""
