"""A program with a bug, for the picture in the README."""

from cart import total

print(f"You pay {total(['apple', 'pear', 'kiwi']):.2f}")
