"""Which notations a line is offered to: those with a hint that the line contains.

There are hundreds of hints. Most of them begin like an extension, such as ``.py:``, and are found by the two characters
behind each dot of a line. The others are in groups that share a character or word, which is searched for first.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from .diagnostics import DIAGNOSTICS
from .diagnostics.annotations import ANNOTATIONS
from .notation import AnyNotation
from .notations import NOTATIONS

Offer = tuple[Sequence[AnyNotation], Sequence[AnyNotation]]
"""The notations of frames, and those of diagnostics, in the order in which they read a line."""
# The message of an annotation may quote a frame, and its fields are more exact.
_FRAMES: Final[tuple[AnyNotation, ...]] = (ANNOTATIONS, *NOTATIONS)
# A set of notations is a number with one bit for each, which is faster than other sets and keeps their order.
_ALL: Final[tuple[AnyNotation, ...]] = (*_FRAMES, *DIAGNOSTICS)
_Groups = dict[str, list[tuple[str, int]]]

_BEHIND_DOT: Final = re.compile(r"\.(?=([A-Za-z].))")
# A hint belongs to the first one that it contains; those that fewer lines have come first.
_SHARED: Final = (*"|!NLV{@+", "::", *"\"'=][F<#>", "//", "ine", ",", "0x", "in ", "at ", "(")


def _masks(*, dotted: bool) -> dict[str, int]:
    """Return the hints that begin like an extension, or the others, with their notations."""
    masks: dict[str, int] = {}
    for at, notation in enumerate(_ALL):
        for hint in notation.hints:
            if (_BEHIND_DOT.match(hint) is not None) == dotted:
                masks[hint] = masks.get(hint, 0) | 1 << at
    return masks


def _by_extension() -> _Groups:
    groups: _Groups = {}
    for hint, mask in _masks(dotted=True).items():
        groups.setdefault(hint[1:3], []).append((hint, mask))
    return groups


def _by_shared() -> _Groups:
    groups: _Groups = {}
    for hint, mask in _masks(dotted=False).items():
        text = next((text for text in _SHARED if text in hint), hint)
        groups.setdefault(text, []).append((hint, mask))
    return groups


_EXTENSIONS: Final = _by_extension()
_OTHERS: Final = tuple(_by_shared().items())
_GROUPS: Final = tuple((text, hints) for text, hints in _OTHERS if len(hints) > 1)
_SINGLE: Final = tuple(hints[0] for _, hints in _OTHERS if len(hints) == 1)
_ASCII_SINGLE: Final = tuple((hint, mask) for hint, mask in _SINGLE if hint.isascii())


def offer(line: str) -> Offer:
    """Return the notations with a hint in this line."""
    found = 0
    for hint, mask in _ASCII_SINGLE if line.isascii() else _SINGLE:
        if hint in line:
            found |= mask
    for text, hints in _GROUPS:
        if text in line:
            for hint, mask in hints:
                if hint in line:
                    found |= mask
    # A set, because a hostile line repeats them.
    for key in set(_BEHIND_DOT.findall(line)):
        for hint, mask in _EXTENSIONS.get(key, ()):
            if hint in line:
                found |= mask
    return _notations(found)


@lru_cache(maxsize=1024)
def _notations(mask: int) -> Offer:
    chosen = [notation for at, notation in enumerate(_ALL) if mask >> at & 1]
    number = (mask & ~(-1 << len(_FRAMES))).bit_count()
    return chosen[:number], chosen[number:]
