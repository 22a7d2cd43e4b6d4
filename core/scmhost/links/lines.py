"""Line numbers: which of them can be an anchor, and where a line of a changed file is in the commit."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

MAX_LINE: Final = 10_000_000

_HUNK: Final = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", re.ASCII)


class Hunk(NamedTuple):
    """A change in a diff without context: which lines of the commit became which lines of the file."""

    old: int
    old_count: int
    new: int
    new_count: int


@dataclass(frozen=True, slots=True)
class CommittedLine:
    """A line's number in the commit. A changed line has the number of the first line that it replaced."""

    line: int
    changed: bool = False


def usable_line(line: int | None) -> int | None:
    """Return the line, or None if no file has it: runtimes print 0 and -1 for an unknown line."""
    return line if line is not None and 1 <= line <= MAX_LINE else None


def read_hunks(diff: Iterable[str]) -> tuple[Hunk, ...]:
    """Return the hunks of one file's unified diff without context lines, in their order."""
    matches = (_HUNK.match(line) for line in diff)
    return tuple(Hunk(int(hunk[1]), _count(hunk[2]), int(hunk[3]), _count(hunk[4])) for hunk in matches if hunk)


def committed_line(line: int, hunks: Sequence[Hunk]) -> CommittedLine:
    """Return where a line of the changed file is in the commit."""
    shift = 0
    for hunk in hunks:
        # A hunk that only removes lines has the number of the line before them.
        if line < hunk.new + (hunk.new_count == 0):
            break
        if line < hunk.new + hunk.new_count:
            return CommittedLine(max(hunk.old, 1), changed=True)
        shift += hunk.old_count - hunk.new_count
    return CommittedLine(line + shift)


def _count(digits: str | None) -> int:
    # Diffs leave a count of one out.
    return 1 if digits is None else int(digits)
