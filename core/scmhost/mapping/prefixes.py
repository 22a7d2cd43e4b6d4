"""Finds the rules whose stack roots begin a path, without walking all of them."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter

from .rule import Rule


class Prefixes:
    """The rules by prefix, each prefix with the nearest other one that encloses it.

    The prefixes that match a path are a chain that begins next to where the path itself would be sorted in.
    """

    __slots__ = ("_chains", "_count", "_enclosing", "_prefixes", "_rules")

    def __init__(self, rules: Sequence[Rule]) -> None:
        ordered = sorted(rules, key=lambda rule: (rule.prefix, rule.rank))
        groups = [(prefix, tuple(group)) for prefix, group in groupby(ordered, attrgetter("prefix"))]
        self._prefixes = [prefix for prefix, _ in groups]
        self._rules = [group for _, group in groups]
        self._enclosing = _enclosing(self._prefixes)
        self._count = len(ordered)
        # Filled when first asked for: the chains of deeply nested roots are long, and few are ever wanted.
        self._chains: dict[int, tuple[Rule, ...]] = {}

    def __len__(self) -> int:
        return self._count

    def matching(self, wanted: str) -> tuple[Rule, ...]:
        """All rules that match a path's subject, in the order in which they are tried."""
        at = self._at(wanted)
        if at < 0:
            return ()
        chain = self._chains.get(at)
        if chain is None:
            chain = self._chains[at] = self._gather(at)
        return chain

    def matching_all_of(self, folder: str) -> tuple[Rule, ...] | None:
        """The rules that match every file of a folder, or None when others may match some of its files."""
        after = bisect_right(self._prefixes, folder)
        if after < len(self._prefixes) and self._prefixes[after].startswith(folder):
            return None
        return self.matching(folder)

    def _at(self, wanted: str) -> int:
        """Where the longest prefix of a path's subject stands, or -1."""
        prefixes = self._prefixes
        at = bisect_right(prefixes, wanted) - 1
        while at >= 0 and not wanted.startswith(prefixes[at]):
            at = self._enclosing[at]
        return at

    def _gather(self, at: int) -> tuple[Rule, ...]:
        """The rules at a prefix and at all that enclose it, by rank."""
        found: list[Rule] = []
        while at >= 0:
            found.extend(self._rules[at])
            at = self._enclosing[at]
        return tuple(sorted(found, key=attrgetter("rank")))


def _enclosing(prefixes: Sequence[str]) -> list[int]:
    """For each of the sorted prefixes, the nearest one that it begins with, or -1."""
    enclosing: list[int] = []
    for at, prefix in enumerate(prefixes):
        outer = at - 1
        while outer >= 0 and not prefix.startswith(prefixes[outer]):
            outer = enclosing[outer]
        enclosing.append(outer)
    return enclosing
