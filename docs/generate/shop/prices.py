"""What things cost."""

PRICES = {"apple": 0.5, "pear": 0.7}


def price_of(item: str) -> float:
    """The price of one item."""
    return PRICES[item]
