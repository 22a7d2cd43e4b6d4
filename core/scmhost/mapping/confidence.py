"""How sure something is that was not told by a person."""

from typing import Literal

Confidence = Literal["high", "medium", "low"]
