"""What a cart costs."""

from prices import price_of


def total(items: list[str]) -> float:
    """The sum of all prices."""
    return sum(price_of(item) for item in items)
