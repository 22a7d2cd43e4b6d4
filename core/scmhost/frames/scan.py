"""Which lines of a block have one of several marks. The block is searched as a whole, which is much quicker."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial


@dataclass(frozen=True, slots=True)
class Marks:
    """What to look for within lines: texts, and patterns, which are quick when they begin with one character."""

    texts: Sequence[str]
    patterns: Sequence[re.Pattern[str]]

    def lines(self, block: str) -> list[int]:
        """The numbers of the lines that have any of the marks, from 0, in order."""
        found: set[int] = set()
        for text in self.texts:
            if text in block:
                found.update(_lines(block, partial(block.find, text)))
        for pattern in self.patterns:
            if pattern.search(block):
                found.update(_lines(block, partial(_find, pattern, block)))
        return sorted(found)


def _find(pattern: re.Pattern[str], block: str, at: int) -> int:
    found = pattern.search(block, at)
    return found.start() if found else -1


def _lines(block: str, find: Callable[[int], int]) -> Iterator[int]:
    line = at = 0
    while (place := find(at)) >= 0:
        line += block.count("\n", at, place)
        yield line
        at = block.find("\n", place) + 1
        if at == 0:
            return
        line += 1
