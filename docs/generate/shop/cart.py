"""Totals of shopping carts."""

from prices import price_of


def total(items: list[str]) -> float:
    """Return the sum of all prices."""
    return sum(price_of(item) for item in items)
