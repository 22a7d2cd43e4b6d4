"""Which notations a line is offered to: those with a hint that the line contains.

There are hundreds of hints. Most of them begin like an extension, such as ``.py:``, and are found by the two characters
behind each dot of a line. The others are searched for in a block as a whole first.
"""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final

from .diagnostics import DIAGNOSTICS
from .notation import Notation
from .notations import NOTATIONS

Offer = tuple[Sequence[Notation], Sequence[Notation]]
"""The notations of frames, and those of diagnostics, in the order in which they read a line."""
# A set of notations is a number with one bit for each, which is faster than other sets and keeps their order.
_ALL: Final = (*NOTATIONS, *DIAGNOSTICS)
_BEHIND_DOT: Final = re.compile(r"\.(?=([A-Za-z].))")
_DOTTED: Final = re.compile(r"\.[A-Za-z].")


def _masks() -> dict[str, int]:
    """Return the notations of each hint."""
    masks: dict[str, int] = {}
    for at, notation in enumerate(_ALL):
        for hint in notation.hints:
            masks[hint] = masks.get(hint, 0) | 1 << at
    return masks


def _by_key(masks: dict[str, int]) -> dict[str, list[tuple[str, int]]]:
    """Return the hints that begin like an extension, by the two characters behind the dot."""
    rows: dict[str, list[tuple[str, int]]] = {}
    for hint, mask in masks.items():
        if _DOTTED.match(hint):
            rows.setdefault(hint[1:3], []).append((hint, mask))
    return rows


_EXTENSIONS: Final = _by_key(_masks())
_OTHERS: Final = [(hint, mask) for hint, mask in _masks().items() if not _DOTTED.match(hint)]
_ASCII_OTHERS: Final = [(hint, mask) for hint, mask in _OTHERS if hint.isascii()]


@lru_cache(maxsize=1024)
def _offer(mask: int) -> Offer:
    chosen = [notation for at, notation in enumerate(_ALL) if mask >> at & 1]
    frames = [notation for notation in chosen if notation in NOTATIONS]
    return frames, chosen[len(frames) :]


def offers_for(lines: Sequence[str]) -> Callable[[str], Offer]:
    """Return a function that returns, for any of these lines, the notations with a hint in it."""
    others = _OTHERS
    # A single line is not worth the search.
    if len(lines) > 1:
        text = "\n".join(lines)
        others = [row for row in (_ASCII_OTHERS if text.isascii() else _OTHERS) if row[0] in text]

    def offer(line: str) -> Offer:
        found = 0
        for hint, mask in others:
            if hint in line:
                found |= mask
        for key in _BEHIND_DOT.findall(line):
            for hint, mask in _EXTENSIONS.get(key, ()):
                if hint in line:
                    found |= mask
        return _offer(found)

    return offer
