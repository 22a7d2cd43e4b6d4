"""A program with a fault, for the picture of a terminal."""

from cart import total

print(f"You pay {total(['apple', 'pear', 'kiwi']):.2f}")
