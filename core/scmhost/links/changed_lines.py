"""Lines of a file that was changed since a commit, and where they stand in that commit."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

_HUNK: Final = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", re.ASCII)


class Hunk(NamedTuple):
    """A place of a diff without context: which lines of the commit became which lines of the file."""

    old: int
    old_count: int
    new: int
    new_count: int


@dataclass(frozen=True, slots=True)
class CommittedLine:
    """Where a line stands in the commit. A changed one is shown where its predecessors stood."""

    line: int
    changed: bool = False


def read_hunks(diff: Iterable[str]) -> tuple[Hunk, ...]:
    """The hunks of one file's unified diff without context lines, in their order."""
    found = (_HUNK.match(line) for line in diff)
    return tuple(Hunk(int(hunk[1]), _count(hunk[2]), int(hunk[3]), _count(hunk[4])) for hunk in found if hunk)


def committed_line(line: int, hunks: Sequence[Hunk]) -> CommittedLine:
    """Where a line of the changed file stands in the commit."""
    shift = 0
    for hunk in hunks:
        # A hunk that only takes away stands behind the line that it names.
        if line < hunk.new + (hunk.new_count == 0):
            break
        if line < hunk.new + hunk.new_count:
            return CommittedLine(max(hunk.old, 1), changed=True)
        shift += hunk.old_count - hunk.new_count
    return CommittedLine(line + shift)


def _count(digits: str | None) -> int:
    return 1 if digits is None else int(digits)
