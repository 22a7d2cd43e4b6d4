"""What was read with a change, told to the sender. Only the first ones in full: a payload may hold a million."""

from typing import Final

MOST_NOTES: Final = 20


class Notes:
    """Collects sentences."""

    def __init__(self) -> None:
        self._kept: list[str] = []
        self._more = 0

    def add(self, note: str) -> None:
        """Keep a note, or only count it once there are many."""
        if len(self._kept) < MOST_NOTES:
            self._kept.append(note)
        else:
            self._more += 1

    def all(self) -> tuple[str, ...]:
        """The notes, and how many more there would be."""
        return (*self._kept, f"and {self._more} more") if self._more else tuple(self._kept)
