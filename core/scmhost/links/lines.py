"""Which line numbers may become anchors."""

from typing import Final

MAX_LINE: Final = 10_000_000


def usable_line(line: int | None) -> int | None:
    """The line, or None when no file has it: 0 and -1 are printed where the line is not known."""
    return line if line is not None and 1 <= line <= MAX_LINE else None


def usable_lines(line: int | None, end_line: int | None) -> tuple[int | None, int | None]:
    """First and last line; a last line before the first, or without a first, is dropped."""
    first, last = usable_line(line), usable_line(end_line)
    return first, last if first is not None and last is not None and last >= first else None
