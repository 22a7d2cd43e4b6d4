"""The tree of a file's patterns: one node per segment, with an index of the segments that lead on from it."""

import re
from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from typing import Final, NamedTuple

from .globs import DEEP, Segment, SegmentGlob

Rules = frozenset[int]
"""Numbers of rules."""

NO_RULES: Final[Rules] = frozenset()

_ANYTHING: Final = ".*+"

# With more of them, one expression tests first whether any of them fits.
_FEW: Final = 8

# Shorter texts at the start of a name are compared by themselves: cut to one letter, longer ones would fit many names.
_LONG: Final = 3


Exceptions = Sequence[tuple[slice, Collection[str]]]
"""Parts of a name, each with texts."""


class Extension(NamedTuple):
    """What the names with an extension lead to.

    Attributes:
        rules: the rules that match each of them; None if they have to be tried one by one.
        exceptions: parts of a name and the texts that make a name lead to more.
    """

    rules: Rules | None
    exceptions: Exceptions


class Node:
    """A place in the tree of patterns.

    Attributes:
        here: the rules that match a path which ends here.
        below: the rules that match longer paths.
        is_deep: whether it stays reached in all folders below: the place after a ``**``.
        deep: the place after a ``**`` that follows here.
        children: the places after other segments.
    """

    def __init__(self, *, is_deep: bool = False) -> None:
        self.here = NO_RULES
        self.below = NO_RULES
        self.is_deep = is_deep
        self.deep: Node | None = None
        self.children: dict[Segment, Node] = {}

    def child(self, segment: Segment) -> "Node":
        """Return the node of the next segment; it is made if there is none."""
        if segment is DEEP:
            # Two in a row mean the same as one.
            self.deep = self if self.is_deep else self.deep or Node(is_deep=True)
            return self.deep
        return self.children.setdefault(segment, Node())

    def reached(self) -> "list[Node]":
        """Return this node, and the one that ``**`` without any folder leads to."""
        return [self] if self.deep is None or self.is_deep else [self, self.deep]

    @cached_property
    def successor(self) -> "Node | None":
        """The next ``**``, if all that follows this one leads to it: then it replaces this one."""
        node: Node = self
        while self.is_deep and len(node.children) == 1:
            (node,) = node.children.values()
            if node.here or node.below:
                return None
            if node.deep is not None:
                return None if node.children else node.deep
        return None

    @cached_property
    def edges(self) -> "_Edges":
        """The segments that lead on from here."""
        return _Edges(self.children)


class _Edges:
    """The segments that lead on from a node, indexed by the literal texts at their end and start."""

    __slots__ = ("_dotless", "_dotted", "_ends", "_filter", "_lengths", "_literal_extensions", "_others", "literal")

    def __init__(self, children: "dict[Segment, Node]") -> None:
        self.literal = {segment: (node,) for segment, node in children.items() if isinstance(segment, str)}
        globs = [_Check(segment, node) for segment, node in children.items() if isinstance(segment, SegmentGlob)]
        self._literal_extensions = {text[text.rfind(".") :] if "." in text else "" for text in self.literal}
        self._others = [check for check in globs if not check.prefix and not check.suffix]
        self._filter: re.Pattern[str] | None = None
        self._ends: dict[str, _Starts] = {}
        for check in globs:
            if check.prefix or check.suffix:
                self._ends.setdefault(check.suffix, _Starts()).add(check)
        # By the last character, so that a name is compared with few lengths.
        self._lengths: dict[str, list[int]] = {}
        # Ends with a dot by their extensions, and ends without one.
        self._dotted: dict[str, list[str]] = {}
        self._dotless: set[str] = set()
        for suffix in filter(None, self._ends):
            lengths = self._lengths.setdefault(suffix[-1], [])
            lengths += [] if len(suffix) in lengths else [len(suffix)]
            dot = suffix.rfind(".")
            if dot < 0:
                self._dotless.add(suffix)
            else:
                self._dotted.setdefault(suffix[dot:], []).append(suffix)

    def by_extension(self, extension: str) -> Extension:
        """Return what the names with an extension, or without any, lead to."""
        if not all(check.fits_all(extension) for check in self._others):
            return Extension(None, ())
        # Without an extension, any end without a dot is possible.
        lengths = self._lengths.get(extension[-1:], ())
        dotless = [
            end for length in lengths if (end := extension[-length:]) in self._dotless and length < len(extension)
        ]
        ends = [*self._dotted.get(extension, ()), *(dotless if extension else self._dotless)]
        alike = [self._ends[end] for end in ends if len(end) <= len(extension)]
        if not all(starts.is_certain(extension) for starts in alike):
            return Extension(None, ())
        longer = {len(end) for end in ends if len(end) > len(extension)}
        exceptions: list[tuple[slice, Collection[str]]] = [(slice(-length, None), self._ends) for length in longer]
        if extension in self._literal_extensions:
            exceptions.append((slice(None), self.literal))
        for starts in [*alike, self._ends[""]] if "" in self._ends else alike:
            exceptions += starts.heads
        certain = [*self._others, *[check for starts in alike for check in starts.always]]
        return Extension(NO_RULES.union(*[check.node.here for check in certain]), exceptions)

    def targets(self, text: str) -> "list[Node] | tuple[Node, ...]":
        """Return the nodes that a segment of a path leads to."""
        literal = self.literal.get(text, ())
        found: list[Node] = []
        ends = self._ends
        if ends:
            for length in self._lengths.get(text[-1:], ()):
                starts = ends.get(text[-length:])
                if starts is not None:
                    starts.collect(text, found)
            if "" in ends:
                ends[""].collect(text, found)
        if self._others and (len(self._others) < _FEW or self._fits_others(text)):
            found += [check.node for check in self._others if check.fits(text)]
        return [*literal, *found] if found else literal

    def _fits_others(self, text: str) -> bool:
        """Return whether one of the segments without a literal end and start fits."""
        if self._filter is None:
            self._filter = re.compile("|".join(f"(?:{check.expression})" for check in self._others), re.DOTALL)
        return self._filter.fullmatch(text) is not None


class _Starts:
    """Segments that end alike, by the literal text at their start."""

    def __init__(self) -> None:
        self.always: list[_Check] = []
        self.checks: dict[str, list[_Check]] = {}
        self.lengths: list[int] = []

    def add(self, check: "_Check") -> None:
        """Add a segment."""
        prefix = check.prefix
        if not prefix:
            self.always.append(check)
            return
        self.checks.setdefault(prefix, []).append(check)
        if len(prefix) not in self.lengths:
            self.lengths.append(len(prefix))

    @cached_property
    def heads(self) -> list[tuple[slice, Collection[str]]]:
        """Parts of a name and their texts: a name without any of them begins with no text of a segment.

        Texts of many lengths are cut to the shortest one, so that a name takes few comparisons.
        """
        long = [length for length in self.lengths if length >= _LONG]
        heads: list[tuple[slice, Collection[str]]] = [
            (slice(0, length), self.checks) for length in self.lengths if length < _LONG
        ]
        if long:
            shortest = min(long)
            heads.append((slice(0, shortest), frozenset(text[:shortest] for text in self.checks if len(text) >= _LONG)))
        return heads

    def is_certain(self, extension: str) -> bool:
        """Return whether the segments without a text at their start fit all names with an extension."""
        return all(check.fits_all(extension) for check in self.always)

    def collect(self, text: str, found: "list[Node]") -> None:
        """Add the nodes of the segments that fit."""
        for check in self.always:
            if check.fits(text):
                found.append(check.node)
        if not any(text[part] in texts for part, texts in self.heads):
            return
        for length in self.lengths:
            for check in self.checks.get(text[:length], ()):
                if check.fits(text):
                    found.append(check.node)


class _Check:
    """The rest of a segment's test, when the literal texts at its start and end fit."""

    __slots__ = ("_matches", "expression", "node", "prefix", "shortest", "suffix")

    def __init__(self, glob: SegmentGlob, node: Node) -> None:
        self.prefix, self.suffix, self.shortest, expression = glob
        self.node = node
        self.expression = expression or _ANYTHING
        # Compiled when it is needed first: most patterns of a file never are.
        self._matches: Callable[[str], object] | None = None if expression else bool

    def fits_all(self, extension: str) -> bool:
        """Return whether the rest fits all names with an extension."""
        return self.expression == _ANYTHING and self.shortest <= len(extension)

    def fits(self, text: str) -> bool:
        """Return whether the whole text matches."""
        if len(text) < self.shortest:
            return False
        if self._matches is None:
            self._matches = re.compile(self.expression, re.DOTALL).fullmatch
        return self._matches is bool or self._matches(text) is not None
