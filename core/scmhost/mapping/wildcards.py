"""The rules with wildcards of one project, indexed so that a path is compared with few of them.

Each rule is filed under one literal text of its stack root: a whole segment, or some characters beside a star. Only
rules whose text is in the same segment of a path are compared with the path.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Final

from .code_mapping import Parts, Rule

MAX_COMPARISONS: Final = 100
"""The most rules that are compared with a path; of more that may match, the first in their order are."""

# Characters of a text beside a star. Longer ones tell more rules apart, and cost more lookups per character of a path.
_GRAM: Final = 3

Anchor = tuple[int, str]
"""The number of a segment and a text: with its closing slash a whole segment, else a part of one."""

_by_rank: Final = attrgetter("rank")


class WildcardTable:
    """Rules with wildcards."""

    __slots__ = ("_anywhere", "_count", "_depth", "_depths", "_grams", "_rules")

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules: dict[Anchor, list[Rule]] = defaultdict(list)
        self._anywhere: list[Rule] = []
        self._depths = frozenset(rule.wildcard.depth for rule in rules if rule.wildcard)
        self._count = len(rules)
        ordered = sorted(rules, key=_by_rank)
        anchors = [list(_anchors(rule)) for rule in ordered]
        # The rarest text tells the most rules apart.
        counts = Counter(anchor for of_rule in anchors for anchor in of_rule)
        for rule, of_rule in zip(ordered, anchors, strict=True):
            filed = self._rules[min(of_rule, key=counts.__getitem__)] if of_rule else self._anywhere
            if len(filed) < MAX_COMPARISONS:
                filed.append(rule)
        self._grams: dict[int, set[int]] = defaultdict(set)
        for number, text in self._rules:
            if not text.endswith("/"):
                self._grams[number].add(len(text))
        self._depth = max((number + 1 for number, _ in self._rules), default=0)

    def __len__(self) -> int:
        return self._count

    def matching(self, comparable_path: str) -> list[Rule]:
        """Return the rules that match a comparable path, by rank."""
        found = [*self._anywhere]
        for anchor in self._anchors_in(comparable_path):
            found += self._rules.get(anchor, ())
        compared = sorted(found, key=_by_rank)[:MAX_COMPARISONS]
        return [rule for rule in compared if rule.matched_length(comparable_path) is not None]

    def matching_whole_folder(self, folder: str) -> list[Rule] | None:
        """Return the rules that match every file of a folder, or None if a file's name decides."""
        # A root as deep as the folder's files ends in their names; a deeper one matches none of them.
        return None if folder.count("/") + 1 in self._depths else self.matching(folder)

    def _anchors_in(self, comparable_path: str) -> Iterator[Anchor]:
        for number, segment in enumerate(comparable_path.split("/", self._depth)[: self._depth]):
            yield number, f"{segment}/"
            for length in self._grams.get(number, ()):
                texts = {segment[at : at + length] for at in range(len(segment) - length + 1)}
                for text in texts:
                    yield number, text


def _anchors(rule: Rule) -> Iterator[Anchor]:
    wildcard = rule.wildcard
    if wildcard is None:
        return
    for number, parts in enumerate(wildcard.segments):
        yield from _anchors_of(number, parts)
    if wildcard.tail is not None:
        yield from _grams(len(wildcard.segments), wildcard.tail)


def _anchors_of(number: int, parts: Parts) -> Iterator[Anchor]:
    if len(parts) == 1:
        yield number, f"{parts[0]}/"
    else:
        yield from _grams(number, parts)


def _grams(number: int, parts: Parts) -> Iterator[Anchor]:
    for part in parts:
        for at in range(max(len(part) - _GRAM + 1, 1) if part else 0):
            yield number, part[at : at + _GRAM]
