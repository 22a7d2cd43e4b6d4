"""The rules of one project, indexed so that a path is matched without walking all of them."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from typing import Final

from .code_mapping import Rule, comparable, fold, normalize_slashes
from .wildcards import WildcardTable

# Hostile paths and roots must not fill the memory: short folders, few rules, some thousand folders per project.
MAX_FOLDERS: Final = 8192
MAX_FOLDER_LENGTH: Final = 300
MAX_FOLDER_RULES: Final = 8
MAX_MATCHES: Final = 256
"""The most rules by which one path is rewritten; of more that match, the first in their order are."""

RuleMatch = tuple[Rule, str | None]
"""A matching rule and the repository path that it gives; None leads out of the repository.

A plain tuple, because one is made for every frame.
"""

FolderMatches = tuple[RuleMatch, ...] | None
"""The rules that match all files of a folder, each with the repository path before a file's name.

None if each file of the folder must be matched on its own.
"""

_by_rank: Final = attrgetter("rank")


class MappingIndex:
    """The rules of one project. Matches never change after construction."""

    __slots__ = ("_folders", "_prefixes", "_wild")

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._prefixes = PrefixTable([rule for rule in rules if rule.wildcard is None])
        self._wild = WildcardTable([rule for rule in rules if rule.wildcard is not None])
        # Folders are cached instead of paths: a project has some thousand of them, but millions of paths.
        self._folders = FolderCache(self._prefixes, self._wild)

    def __len__(self) -> int:
        return len(self._prefixes) + len(self._wild)

    def candidates(self, path: str, most: int | None = None) -> tuple[Rule, ...]:
        """Return all rules that match a path, or the first of them, in the order in which they are tried."""
        text = comparable(path)
        plain = self._prefixes.matching(text)[:most]
        wild = self._wild.matching(text) if self._wild else ()
        return tuple(sorted((*plain, *wild), key=_by_rank)[:most]) if wild else plain

    def folder_matches(self, folder: str) -> FolderMatches:
        """Return the rules that match all files of a folder. The result is not cached here.

        The folder is empty or ends in a slash. The matches hold for names without a slash that begin with no dot.
        """
        return self._folders.compute(folder)

    def matches(self, path: str) -> tuple[RuleMatch, ...]:
        """Return the candidates with the repository path that each of them gives."""
        cut = path.rfind("/") + 1
        matches, name = self._folders[path[:cut]], path[cut:]
        # A name may be empty, be ``.`` or ``..``, or hold folders of its own: then the folder does not decide.
        if matches is None or name[:1] in ("", ".") or "\\" in name:
            return tuple([(rule, rule.source_path(path)) for rule in self.candidates(path, MAX_MATCHES)])
        # This runs once per frame, and most folders have one rule.
        if len(matches) == 1:
            ((rule, head),) = matches
            return ((rule, None if head is None else head + name),)
        # A list inside of tuple() is faster than a generator.
        return tuple([(rule, None if head is None else head + name) for rule, head in matches])


class PrefixTable:
    """Rules sorted by prefix, each prefix linked to the next shorter prefix that encloses it.

    The prefixes that match a path form a chain. It begins next to the position at which the path itself would be
    sorted in.
    """

    __slots__ = ("_chains", "_count", "_enclosing", "_prefixes", "_rules")

    def __init__(self, rules: Sequence[Rule]) -> None:
        ordered = sorted(rules, key=lambda rule: (rule.prefix, rule.rank))
        groups = [(prefix, tuple(group)) for prefix, group in groupby(ordered, attrgetter("prefix"))]
        self._prefixes = [prefix for prefix, _ in groups]
        self._rules = [group for _, group in groups]
        self._enclosing = _enclosing_positions(self._prefixes)
        self._count = len(ordered)
        # Filled on first use: the chains of deeply nested roots are long, and few of them are needed.
        self._chains: dict[int, tuple[Rule, ...]] = {}

    def __len__(self) -> int:
        return self._count

    def matching(self, comparable_path: str) -> tuple[Rule, ...]:
        """Return all rules whose prefix begins a comparable path, by rank."""
        prefixes = self._prefixes
        at = bisect_right(prefixes, comparable_path) - 1
        # The chain skips siblings, so that a thousand roots cost one bisection and a few steps.
        while at >= 0 and not comparable_path.startswith(prefixes[at]):
            at = self._enclosing[at]
        if at < 0:
            return ()
        chain = self._chains.get(at)
        if chain is None:
            chain = self._chains[at] = self._chain_from(at)
        return chain

    def matching_whole_folder(self, folder: str) -> tuple[Rule, ...] | None:
        """Return the rules that match every file of a folder, or None if others match some of its files."""
        after = bisect_right(self._prefixes, folder)
        if after < len(self._prefixes) and self._prefixes[after].startswith(folder):
            return None
        return self.matching(folder)

    def _chain_from(self, at: int) -> tuple[Rule, ...]:
        rules: list[Rule] = []
        while at >= 0:
            rules.extend(self._rules[at])
            at = self._enclosing[at]
        return tuple(sorted(rules, key=_by_rank))


class FolderCache(dict[str, FolderMatches]):
    """The matches of each folder, computed on first use: traces name many files, but in few folders.

    A plain dict with ``__missing__``, because a hit is then one lookup without a Python call, unlike in an LRU cache.
    """

    __slots__ = ("_prefixes", "_wild")

    def __init__(self, prefixes: PrefixTable, wild: WildcardTable) -> None:
        super().__init__()
        self._prefixes = prefixes
        self._wild = wild

    def __missing__(self, folder: str) -> FolderMatches:
        matches = self.compute(folder)
        if len(folder) <= MAX_FOLDER_LENGTH:
            if len(self) >= MAX_FOLDERS:
                self.clear()
            self[folder] = matches
        return matches

    def compute(self, folder: str) -> FolderMatches:
        """Compute the matches of a folder without keeping them."""
        unified = normalize_slashes(folder)
        rules = self._rules(unified)
        if rules is None or len(rules) > MAX_FOLDER_RULES:
            return None
        matches: list[RuleMatch] = []
        for rule in rules:
            joined = rule.source + unified[rule.matched_length(unified) or 0 :]
            # A source root that ends inside a segment continues in the file's name, which is not known here.
            if joined and joined[-1] != "/":
                return None
            matches.append((rule, _fold_folder(joined)))
        return tuple(matches)

    def _rules(self, folder: str) -> Sequence[Rule] | None:
        """Return the rules that match every file of a folder, or None if others match some of its files."""
        plain = self._prefixes.matching_whole_folder(folder)
        if plain is None or not self._wild:
            return plain
        if len(plain) > MAX_FOLDER_RULES:
            return None
        wild = self._wild.matching_whole_folder(folder)
        return None if wild is None else sorted((*plain, *wild), key=_by_rank)


def _fold_folder(folder: str) -> str | None:
    if "/." in folder or "//" in folder or folder[:1] in ("/", "."):
        folded = fold(folder)
        return folded + "/" if folded else folded
    return folder


def _enclosing_positions(prefixes: Sequence[str]) -> list[int]:
    """Return for each of the sorted prefixes the position of the longest other prefix that begins it, or -1."""
    enclosing: list[int] = []
    for at, prefix in enumerate(prefixes):
        outer = at - 1
        while outer >= 0 and not prefix.startswith(prefixes[outer]):
            outer = enclosing[outer]
        enclosing.append(outer)
    return enclosing
