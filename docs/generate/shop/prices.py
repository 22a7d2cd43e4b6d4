"""Prices of the shop."""

PRICES = {"apple": 0.5, "pear": 0.7}


def price_of(item: str) -> float:
    """Return the price of an item."""
    return PRICES[item]
