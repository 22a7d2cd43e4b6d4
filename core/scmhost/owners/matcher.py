"""One matcher for all patterns of a file.

The patterns form a tree of segments. A path is matched folder by folder: the set of tree nodes that its folder reaches
is a state, and states, their next states and the answers for names are remembered. So a path of a known folder costs
two lookups, and an unknown one is read once, with as many steps as it has folders. Several ``**`` in a pattern do not
multiply: when the part after one of them was found, that part is not looked for again.
"""

import re
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Final, Generic, TypeVar

from .globs import DEEP, PathGlob, Segment, SegmentGlob

T = TypeVar("T")

Rules = frozenset[int]
"""Numbers of rules."""

MAX_REMEMBERED: Final = 200_000
"""The most answers that one matcher remembers; then it forgets them all."""

_LONGEST_REMEMBERED: Final = 1024
_FEW: Final = 8
_NO_RULES: Final[Rules] = frozenset()


class GlobMatcher(Generic[T]):
    """Finds the rules that match a path, and the answer that they give.

    Args:
        globs: the patterns, each with the number of its rule.
        strongest: selects those of some rules that can still decide when more of them match.
        answer: returns the answer of all rules that match a path.
    """

    def __init__(
        self,
        globs: Iterable[tuple[int, PathGlob]],
        strongest: Callable[[Rules], Rules],
        answer: Callable[[Rules], T],
    ) -> None:
        root = _Node()
        for rule, glob in globs:
            node = root
            for segment in glob.segments:
                node = node.child(segment)
            node.here |= {rule} if glob.here else _NO_RULES
            node.below |= {rule} if glob.below else _NO_RULES
        self._strongest = strongest
        self._answer = answer
        self._remembered = 0
        self._answers: dict[Rules, T] = {}
        self._states: dict[tuple[frozenset[_Node], Rules], _State[T]] = {}
        self._folders = _Folders(self.state(root.reached(), root.below))

    def answers(self, paths: Iterable[str]) -> list[T]:
        """Return the answers for paths, in their order."""
        folders = self._folders
        # One expression per path: the hot loop of this package.
        return [folders[path[: (cut := path.rfind("/") + 1)]][path[cut:]] for path in paths]

    def state(self, nodes: Iterable["_Node"], below: Rules) -> "_State[T]":
        """Return the state with these nodes, and with the rules that match all that is below."""
        reached = frozenset(nodes)
        # Whatever would follow an earlier `**` of the same pattern can also follow the later one.
        kept = frozenset(node for node in reached if node.successor not in reached)
        key = (kept, self._strongest(below))
        state = self._states.get(key)
        if state is None:
            state = self._states[key] = _State(self, *key)
        return state

    def answer(self, rules: Rules) -> T:
        """Return the answer for a name that was not remembered."""
        self._remembered += 1
        if self._remembered > MAX_REMEMBERED:
            self.forget()
        try:
            return self._answers[rules]
        except KeyError:
            answer = self._answers[rules] = self._answer(rules)
            return answer

    def forget(self) -> None:
        """Forget all folders and names."""
        self._remembered = 0
        self._answers.clear()
        self._folders.clear()
        for state in self._states.values():
            state.clear()
        self._states.clear()


class _Folders(dict[str, "_State[T]"], Generic[T]):
    """The states of folders. A folder is empty or ends in a slash."""

    def __init__(self, root: "_State[T]") -> None:
        super().__init__()
        self._root = root

    def __missing__(self, folder: str) -> "_State[T]":
        start = folder.rfind("/", 0, -1) + 1
        state = self.get(folder[:start]) if start else None
        if state is None:
            state, start = self._root, 0
        for segment in folder[start:-1].split("/") if folder else ():
            state = state.step(segment)
        if len(folder) <= _LONGEST_REMEMBERED:
            self[folder] = state
        return state


class _State(dict[str, T], Generic[T]):
    """The nodes that a folder reaches, and the answers for names of files in it."""

    __slots__ = ("_extensions", "_literals", "below", "matcher", "next", "nodes")

    def __init__(self, matcher: GlobMatcher[T], nodes: "frozenset[_Node]", below: Rules) -> None:
        super().__init__()
        self.matcher = matcher
        self.nodes = nodes
        self.below = below
        self.next: dict[str, _State[T]] = {}
        self._literals = [node.edges.literal for node in nodes if node.edges.literal]
        # The answers for names that only their extension decides on; None if it does not decide alone.
        self._extensions: dict[str, T | None] = {}

    def __missing__(self, name: str) -> T:
        dot = name.rfind(".")
        extension = name[dot:] if dot >= 0 else ""
        try:
            answer = self._extensions[extension]
        except KeyError:
            answer = self._extensions[extension] = self._by_extension(extension)
        if answer is not None:
            for literal in self._literals:
                if name in literal:
                    break
            else:
                return answer
        return self._by_name(name)

    def _by_extension(self, extension: str) -> T | None:
        found = [node.edges.by_extension(extension) for node in self.nodes]
        if not extension or None in found:
            return None
        return self.matcher.answer(self.below.union(*[target.here for targets in found for target in targets or ()]))

    def _by_name(self, name: str) -> T:
        targets = [target for node in self.nodes for target in node.edges.targets(name)]
        answer = self.matcher.answer(self.below.union(*[target.here for target in targets]))
        if len(name) <= _LONGEST_REMEMBERED:
            self[name] = answer
        return answer

    def clear(self) -> None:
        """Forget all answers and next states."""
        super().clear()
        self.next.clear()
        self._extensions.clear()

    def step(self, segment: str) -> "_State[T]":
        """Return the state of a folder in this one."""
        found = self.next.get(segment)
        if found is None:
            targets = [target for node in self.nodes for target in node.edges.targets(segment)]
            reached = [node for node in self.nodes if node.is_deep]
            for target in targets:
                reached += target.reached()
            found = self.matcher.state(reached, self.below.union(*[target.below for target in targets]))
            self.next[segment] = found
        return found


class _Node:
    """A place in the tree of patterns.

    Attributes:
        here: the rules that match a path which ends here.
        below: the rules that match longer paths.
        is_deep: whether it stays reached in all folders below: the place after a ``**``.
        deep: the place after a ``**`` that follows here.
        children: the places after other segments.
    """

    def __init__(self, *, is_deep: bool = False) -> None:
        self.here = _NO_RULES
        self.below = _NO_RULES
        self.is_deep = is_deep
        self.deep: _Node | None = None
        self.children: dict[Segment, _Node] = {}

    def child(self, segment: Segment) -> "_Node":
        """Return the node of the next segment; it is made if there is none."""
        if segment is DEEP:
            # Two in a row mean the same as one.
            self.deep = self if self.is_deep else self.deep or _Node(is_deep=True)
            return self.deep
        return self.children.setdefault(segment, _Node())

    def reached(self) -> "list[_Node]":
        """Return this node, and the one that ``**`` without any folder leads to."""
        return [self] if self.deep is None or self.is_deep else [self, self.deep]

    @cached_property
    def successor(self) -> "_Node | None":
        """The next ``**``, if all that follows this one leads to it: then it replaces this one."""
        node: _Node = self
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

    __slots__ = ("_dotless", "_dotted", "_ends", "_filter", "_lengths", "_others", "literal")

    def __init__(self, children: "dict[Segment, _Node]") -> None:
        self.literal = {segment: (node,) for segment, node in children.items() if isinstance(segment, str)}
        globs = [_Check(segment, node) for segment, node in children.items() if isinstance(segment, SegmentGlob)]
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
        self._dotless: list[str] = []
        for suffix in filter(None, self._ends):
            lengths = self._lengths.setdefault(suffix[-1], [])
            lengths += [] if len(suffix) in lengths else [len(suffix)]
            dot = suffix.rfind(".")
            (self._dotless if dot < 0 else self._dotted.setdefault(suffix[dot:], [])).append(suffix)

    def by_extension(self, extension: str) -> "list[_Node] | None":
        """Return the nodes that all names with an extension lead to, except literal ones; None if names differ."""
        ends = [*self._dotted.get(extension, ()), *filter(extension.endswith, self._dotless)]
        if self._others or "" in self._ends or any(len(end) > len(extension) for end in ends):
            return None
        found: list[_Node] = []
        for end in ends:
            if not self._ends[end].all_fit(extension, found):
                return None
        return found

    def targets(self, text: str) -> "list[_Node] | tuple[_Node, ...]":
        """Return the nodes that a segment of a path leads to."""
        literal = self.literal.get(text, ())
        found: list[_Node] = []
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

    __slots__ = ("_always", "_checks", "_lengths")

    def __init__(self) -> None:
        self._always: list[_Check] = []
        self._checks: dict[str, list[_Check]] = {}
        self._lengths: list[int] = []

    def add(self, check: "_Check") -> None:
        """Add a segment."""
        prefix = check.prefix
        if not prefix:
            self._always.append(check)
            return
        self._checks.setdefault(prefix, []).append(check)
        if len(prefix) not in self._lengths:
            self._lengths.append(len(prefix))

    def all_fit(self, extension: str, found: "list[_Node]") -> bool:
        """Add the nodes of the segments if all names with an extension fit them."""
        found += [check.node for check in self._always]
        return not self._checks and all(check.fits_all(extension) for check in self._always)

    def collect(self, text: str, found: "list[_Node]") -> None:
        """Add the nodes of the segments that fit."""
        for check in self._always:
            if check.fits(text):
                found.append(check.node)
        for length in self._lengths:
            for check in self._checks.get(text[:length], ()):
                if check.fits(text):
                    found.append(check.node)


class _Check:
    """The rest of a segment's test, when the literal texts at its start and end fit."""

    __slots__ = ("_matches", "_shortest", "expression", "node", "prefix", "suffix")

    def __init__(self, glob: SegmentGlob, node: _Node) -> None:
        self.prefix, self.suffix, self._shortest, expression = glob
        self.node = node
        self.expression = expression or ".*+"
        # Compiled when it is needed first: most patterns of a file never are.
        self._matches: Callable[[str], object] | None = None if expression else bool

    def fits_all(self, extension: str) -> bool:
        """Return whether a segment without a prefix fits all texts with an extension that ends as it does."""
        return self._matches is bool and self._shortest <= len(extension)

    def fits(self, text: str) -> bool:
        """Return whether the whole text matches."""
        if len(text) < self._shortest:
            return False
        if self._matches is None:
            self._matches = re.compile(self.expression, re.DOTALL).fullmatch
        return self._matches is bool or self._matches(text) is not None
