"""The rules of one project, indexed so that a path is matched without walking all of them."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Final

from .code_mapping import Parts, Rule, comparable, fold, normalize_slashes

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

    def __init__(self, prefixes: PrefixTable, wild: "WildcardTable") -> None:
        super().__init__()
        self._prefixes = prefixes
        self._wild = wild

    def __missing__(self, folder: str) -> FolderMatches:
        matches = self._compute(folder)
        if len(folder) <= MAX_FOLDER_LENGTH:
            if len(self) >= MAX_FOLDERS:
                self.clear()
            self[folder] = matches
        return matches

    def _compute(self, folder: str) -> FolderMatches:
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


MAX_COMPARISONS: Final = 100
"""The most rules that are compared with a path; of more that may match, the first in their order are."""

# Characters of a text beside a star. Longer ones tell more rules apart, and cost more lookups per character of a path.
_GRAM: Final = 3

Anchor = tuple[int, str]
"""The number of a segment and a text: with its closing slash a whole segment, else a part of one."""


class WildcardTable:
    """Rules with wildcards, indexed so that a path is compared with few of them.

    Each rule is filed under one literal text of its stack root: a whole segment, or some characters beside a star. Only
    rules whose text is in the same segment of a path are compared with the path.
    """

    __slots__ = ("_anywhere", "_count", "_depth", "_depths", "_grams", "_rules")

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules: dict[Anchor, list[Rule]] = defaultdict(list)
        self._anywhere: list[Rule] = []
        self._depths = frozenset(rule.wildcard.depth for rule in rules if rule.wildcard)
        self._count = len(rules)
        ordered = sorted(rules, key=_by_rank)
        anchors = [list(_anchors(rule)) for rule in ordered]
        # The rarest text excludes the most rules.
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
