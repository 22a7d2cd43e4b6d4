"""Remembers how the files of a folder are mapped: frames name ever new files, but in few folders."""

from collections.abc import Sequence
from operator import attrgetter
from typing import Final

from .prefixes import Prefixes
from .roots import fold, unify
from .rule import Rule

# Hostile paths and roots must not fill the memory: short paths, few rules, some thousand folders, per project.
MOST_REMEMBERED: Final = 8192
LONGEST_REMEMBERED: Final = 300
MOST_WAYS: Final = 8

# A rule, and what its repository paths have before a file's name; None leads out of the repository.
Way = tuple[Rule, str | None]
# None where each file of the folder has to be looked at.
Ways = tuple[Way, ...] | None


class Folders(dict[str, Ways]):
    """The ways of each folder, worked out when first asked for."""

    __slots__ = ("_prefixes", "_wild")

    def __init__(self, prefixes: Prefixes, wild: Prefixes) -> None:
        super().__init__()
        self._prefixes = prefixes
        self._wild = wild

    def __missing__(self, folder: str) -> Ways:
        ways = self.look_up(folder)
        if len(folder) <= LONGEST_REMEMBERED:
            if len(self) >= MOST_REMEMBERED:
                self.clear()
            self[folder] = ways
        return ways

    def look_up(self, folder: str) -> Ways:
        """The ways of a folder, without remembering them."""
        unified = unify(folder)
        rules = self._rules(unified)
        return None if rules is None or len(rules) > MOST_WAYS else _ways(rules, unified)

    def _rules(self, folder: str) -> Sequence[Rule] | None:
        """The rules that match every file of a folder, or None when others may match some of its files."""
        rules = self._prefixes.matching_all_of(folder)
        if rules is None or not self._wild:
            return rules
        wild = self._wild_rules(folder)
        return None if wild is None else sorted((*rules, *wild), key=attrgetter("rank"))

    def _wild_rules(self, folder: str) -> list[Rule] | None:
        begun = self._wild.matching_all_of(folder)
        if begun is None or any(_undecided(rule, folder) for rule in begun):
            return None
        return [rule for rule in begun if rule.consumed(folder) is not None]


def _undecided(rule: Rule, folder: str) -> bool:
    """Whether a rule's wildcards reach just into a file's name."""
    return rule.wildcard is not None and rule.wildcard.depth == folder.count("/") + 1


def _ways(rules: Sequence[Rule], folder: str) -> Ways:
    ways: list[Way] = []
    for rule in rules:
        joined = rule.source + folder[rule.consumed(folder) or 0 :]
        # A source root that ends inside a segment goes on in the file's name, which is not known here.
        if joined and joined[-1] != "/":
            return None
        ways.append((rule, _head(joined)))
    return tuple(ways)


def _head(folder: str) -> str | None:
    if "/." in folder or "//" in folder or folder[:1] in ("/", "."):
        folded = fold(folder)
        return folded + "/" if folded else folded
    return folder
