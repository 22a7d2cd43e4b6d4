"""How sure something is that nobody has said in so many words."""

from typing import Literal

Confidence = Literal["high", "medium", "low"]
