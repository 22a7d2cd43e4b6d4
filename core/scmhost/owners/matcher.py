"""One matcher for all patterns of a file.

The patterns form a tree of segments. A path is matched folder by folder: the set of tree nodes that its folder reaches
is a state, and states, their next states and the answers for names are remembered. So a path of a known folder costs
two lookups, and an unknown one is read once, with as many steps as it has folders. Several ``**`` in a pattern do not
multiply: when the part after one of them was found, that part is not looked for again.
"""

import re
from collections.abc import Callable, Iterable, Sequence
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
            state.next.clear()
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

    __slots__ = ("below", "matcher", "next", "nodes")

    def __init__(self, matcher: GlobMatcher[T], nodes: "frozenset[_Node]", below: Rules) -> None:
        super().__init__()
        self.matcher = matcher
        self.nodes = nodes
        self.below = below
        self.next: dict[str, _State[T]] = {}

    def __missing__(self, name: str) -> T:
        rules = self.below.union(*[target.here for node in self.nodes for target in node.targets(name)])
        answer = self.matcher.answer(rules)
        if len(name) <= _LONGEST_REMEMBERED:
            self[name] = answer
        return answer

    def step(self, segment: str) -> "_State[T]":
        """Return the state of a folder in this one."""
        found = self.next.get(segment)
        if found is None:
            targets = [target for node in self.nodes for target in node.targets(segment)]
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
    def _edges(self) -> "_Edges":
        return _Edges(self.children)

    def targets(self, text: str) -> "Sequence[_Node]":
        """Return the nodes that a segment of a path leads to."""
        return self._edges.targets(text) if self.children else ()


class _Edges:
    """The segments that lead on from a node, indexed by the literal text at their end or start."""

    def __init__(self, children: "dict[Segment, _Node]") -> None:
        self._literal = {segment: (node,) for segment, node in children.items() if isinstance(segment, str)}
        self._ends, self._starts = _Affixes(-1), _Affixes(0)
        self._others: list[_Check] = []
        globs = [_Check(segment, node) for segment, node in children.items() if isinstance(segment, SegmentGlob)]
        for check in globs:
            if check.suffix:
                self._ends.add(check.suffix, check)
            elif check.prefix:
                self._starts.add(check.prefix, check)
            else:
                self._others.append(check)
        self._has_globs = bool(globs)

    @cached_property
    def _filter(self) -> "re.Pattern[str]":
        """What a text must match to fit one of the segments without a literal start or end."""
        return re.compile("|".join(f"(?:{check.source})" for check in self._others), re.DOTALL)

    def targets(self, text: str) -> "Sequence[_Node]":
        found = self._literal.get(text, ())
        if not self._has_globs or not text:
            return found
        checks = self._ends.of(text, text[-1]) + self._starts.of(text, text[0])
        if self._others and (len(self._others) < _FEW or self._filter.fullmatch(text)):
            checks += self._others
        return (*found, *[check.node for check in checks if check.fits(text)]) if checks else found


class _Check:
    """The test of a text against a segment with wildcards, and the node that it leads to."""

    __slots__ = ("_glob", "_matches", "node")

    def __init__(self, glob: SegmentGlob, node: _Node) -> None:
        self._glob = glob
        self._matches: Callable[[str], object] | None = None
        self.node = node

    @property
    def prefix(self) -> str:
        """The text before the first wildcard."""
        return self._glob.prefix

    @property
    def suffix(self) -> str:
        """The text after the last wildcard."""
        return self._glob.suffix

    @property
    def source(self) -> str:
        """A regular expression for the whole segment."""
        return self._glob.expression or f"{re.escape(self.prefix)}.*+"

    def fits(self, text: str) -> bool:
        """Return whether the whole text matches."""
        glob = self._glob
        if len(text) < glob.shortest or not text.startswith(glob.prefix) or not text.endswith(glob.suffix):
            return False
        if glob.expression is None:
            return True
        if self._matches is None:
            # Most patterns of a file are never needed.
            self._matches = re.compile(glob.expression, re.DOTALL).fullmatch
        return self._matches(text) is not None


class _Affixes:
    """Segments by the text at their end (``side`` -1) or at their start (0)."""

    def __init__(self, side: int) -> None:
        self._side = side
        self._checks: dict[str, list[_Check]] = {}
        # By the outermost character, so that a name is compared with few lengths.
        self._lengths: dict[str, list[int]] = {}

    def add(self, affix: str, check: _Check) -> None:
        self._checks.setdefault(affix, []).append(check)
        lengths = self._lengths.setdefault(affix[self._side], [])
        if len(affix) not in lengths:
            lengths.append(len(affix))

    def of(self, text: str, outermost: str) -> list[_Check]:
        """Return the segments whose affix a text has."""
        found: list[_Check] = []
        for length in self._lengths.get(outermost, ()):
            affix = text[-length:] if self._side else text[:length]
            found += self._checks.get(affix, ())
        return found
