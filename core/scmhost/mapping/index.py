"""Finds the rules that match a path without walking all of them."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from typing import Final, NamedTuple

from .roots import subject
from .rule import Rule

# Hostile paths must not fill the memory: few hundred characters, some thousand paths, per project.
MOST_REMEMBERED: Final = 4096
LONGEST_REMEMBERED: Final = 300


class Match(NamedTuple):
    """A rule that matches a path, and the repository path that it gives; None leads out of the repository."""

    rule: Rule
    source_path: str | None


class MappingIndex:
    """The rules of one project, built once and asked often. It is never changed afterwards.

    Prefixes are kept sorted, each with the nearest other prefix that encloses it: the prefixes that match a path are
    a chain that begins next to where the path itself would be sorted in.
    """

    __slots__ = ("_best", "_chains", "_enclosing", "_prefixes", "_remembered", "_rules")

    def __init__(self, rules: Sequence[Rule]) -> None:
        ordered = sorted(rules, key=lambda rule: (rule.prefix, rule.rank))
        groups = [(prefix, tuple(group)) for prefix, group in groupby(ordered, attrgetter("prefix"))]
        self._prefixes = [prefix for prefix, _ in groups]
        self._rules = [group for _, group in groups]
        self._enclosing = _enclosing(self._prefixes)
        self._best = self._best_of_chains()
        # Filled when first asked for: the chains of deeply nested roots are long, and few are ever wanted.
        self._chains: dict[int, tuple[Rule, ...]] = {}
        self._remembered: dict[str, tuple[Match, ...]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._rules))

    def best(self, path: str) -> Rule | None:
        """The first rule, in the order, that matches a path."""
        at = self._at(subject(path))
        return None if at < 0 else self._best[at]

    def candidates(self, path: str) -> tuple[Rule, ...]:
        """All rules that match a path, in the order in which they are tried."""
        return self._chain(self._at(subject(path)))

    def matches(self, path: str) -> tuple[Match, ...]:
        """The candidates with the repository path that each gives. Answers are remembered: frames come again."""
        known = self._remembered.get(path)
        if known is not None:
            return known
        wanted = subject(path)
        found = tuple([_match(rule, wanted) for rule in self._chain(self._at(wanted))])
        self._remember(path, found)
        return found

    def _remember(self, path: str, found: tuple[Match, ...]) -> None:
        if len(path) > LONGEST_REMEMBERED:
            return
        if len(self._remembered) >= MOST_REMEMBERED:
            self._remembered.clear()
        self._remembered[path] = found

    def _at(self, wanted: str) -> int:
        """Where the longest prefix of a path's subject stands, or -1."""
        prefixes = self._prefixes
        at = bisect_right(prefixes, wanted) - 1
        while at >= 0 and not wanted.startswith(prefixes[at]):
            at = self._enclosing[at]
        return at

    def _chain(self, at: int) -> tuple[Rule, ...]:
        """The rules at a prefix and at all that enclose it, by rank."""
        if at < 0:
            return ()
        chain = self._chains.get(at)
        if chain is None:
            chain = self._chains[at] = self._gather(at)
        return chain

    def _gather(self, at: int) -> tuple[Rule, ...]:
        found: list[Rule] = []
        while at >= 0:
            found.extend(self._rules[at])
            at = self._enclosing[at]
        return tuple(sorted(found, key=attrgetter("rank")))

    def _best_of_chains(self) -> list[Rule]:
        best: list[Rule] = []
        for group, outer in zip(self._rules, self._enclosing, strict=True):
            own = group[0]
            best.append(own if outer < 0 or own.rank < best[outer].rank else best[outer])
        return best


def _match(rule: Rule, wanted: str) -> Match:
    return Match(rule, rule.put_before(wanted[len(rule.prefix) : -1]))


def _enclosing(prefixes: Sequence[str]) -> list[int]:
    """For each of the sorted prefixes, the nearest one that it begins with, or -1."""
    enclosing: list[int] = []
    for at, prefix in enumerate(prefixes):
        outer = at - 1
        while outer >= 0 and not prefix.startswith(prefixes[outer]):
            outer = enclosing[outer]
        enclosing.append(outer)
    return enclosing
