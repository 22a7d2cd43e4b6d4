"""One matcher for all patterns of a file.

The patterns form a tree of segments. A path is matched folder by folder: the set of tree nodes that its folder reaches
is a state, and states, their next states and the answers for names are remembered. So a path of a known folder costs
two lookups, and an unknown one is read once, with as many steps as it has folders. Several ``**`` in a pattern do not
multiply: when the part after one of them was found, that part is not looked for again.
"""

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Final, Generic, TypeVar

from .globs import PathGlob
from .tree import NO_RULES, Exceptions, Extension, Node, Rules

T = TypeVar("T")

MAX_REMEMBERED: Final = 200_000
"""The most folders and answers in the caches of one matcher; a full cache is emptied."""

_LONGEST_REMEMBERED: Final = 1024


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
        root = _tree(globs, strongest)
        self._strongest = strongest
        self._answer = answer
        self._remembered = 0
        self._answers: dict[Rules, T] = {}
        self._reaches: dict[frozenset[Node], _Reach] = {}
        self._states: dict[tuple[_Reach, Rules], _State[T]] = {}
        self._folders = _Folders(self, self.state(self.reach(root.reached()), root.below))

    def answers(self, paths: Iterable[str]) -> list[T]:
        """Return the answers for paths, in their order."""
        folders = self._folders
        # One expression per path: the hot loop of this package.
        return [folders[path[: (cut := path.rfind("/") + 1)]][path[cut:]] for path in paths]

    def reach(self, nodes: Iterable[Node]) -> "_Reach":
        """Return the reach of some nodes."""
        reached = frozenset(nodes)
        # Many nodes lead nowhere: what is below them is decided. And all that can follow an earlier `**` of the
        # same pattern can follow the later one too.
        kept = frozenset(node for node in reached if node.children and node.successor not in reached)
        found = self._reaches.get(kept)
        if found is None:
            found = self._reaches[kept] = _Reach(self.reach, kept)
        return found

    def state(self, reach: "_Reach", below: Rules) -> "_State[T]":
        """Return the state with this reach, and with the rules that match all that is below."""
        key = (reach, self._strongest(below))
        found = self._states.get(key)
        if found is None:
            found = self._states[key] = _State(self, *key)
        return found

    def answer(self, rules: Rules) -> T:
        """Return the answer of all rules that match a path."""
        self.remember()
        try:
            return self._answers[rules]
        except KeyError:
            answer = self._answers[rules] = self._answer(rules)
            return answer

    def remember(self) -> None:
        """Count one more folder or answer; forget all if there are too many."""
        self._remembered += 1
        if self._remembered <= MAX_REMEMBERED:
            return
        self._remembered = 0
        for state in self._states.values():
            state.forget()
        for reach in self._reaches.values():
            reach.forget()
        for known in (self._answers, self._folders, self._states, self._reaches):
            known.clear()


def _tree(globs: Iterable[tuple[int, PathGlob]], strongest: Callable[[Rules], Rules]) -> Node:
    """Return the tree of patterns. Of rules with equal patterns, it has those that can decide."""
    root = Node()
    here: dict[Node, list[int]] = {}
    below: dict[Node, list[int]] = {}
    for rule, glob in globs:
        node = root
        for segment in glob.segments:
            node = node.child(segment)
        if glob.here:
            here.setdefault(node, []).append(rule)
        if glob.below:
            below.setdefault(node, []).append(rule)
    for node, rules in here.items():
        node.here = strongest(frozenset(rules))
    for node, rules in below.items():
        node.below = strongest(frozenset(rules))
    return root


class _Folders(dict[str, "_State[T]"], Generic[T]):
    """The states of folders. A folder is empty or ends in a slash."""

    def __init__(self, matcher: GlobMatcher[T], root: "_State[T]") -> None:
        super().__init__()
        self._matcher = matcher
        self._root = root

    def __missing__(self, folder: str) -> "_State[T]":
        start = folder.rfind("/", 0, -1) + 1
        state = self.get(folder[:start]) if start else None
        if state is None:
            state, start = self._root, 0
        for segment in folder[start:-1].split("/") if folder else ():
            state = state.step(segment)
        # A hostile path must not fill the memory with one entry.
        if len(folder) <= _LONGEST_REMEMBERED:
            self._matcher.remember()
            self[folder] = state
        return state


class _Reach:
    """Nodes that a folder reaches, and where they lead."""

    def __init__(self, make: "Callable[[Iterable[Node]], _Reach]", nodes: frozenset[Node]) -> None:
        self._make = make
        self._nodes = tuple(nodes)
        self._deep = [node for node in nodes if node.is_deep]
        self._steps: dict[str, tuple[_Reach, Rules]] = {}
        self._extensions: dict[str, Extension] = {}

    def by_extension(self, extension: str) -> Extension:
        """Return what the names with an extension lead to."""
        found = self._extensions.get(extension)
        if found is None:
            parts = [node.edges.by_extension(extension) for node in self._nodes]
            if any(part.rules is None for part in parts):
                found = Extension(None, ())
            else:
                exceptions = [exception for part in parts for exception in part.exceptions]
                found = Extension(NO_RULES.union(*[part.rules or () for part in parts]), exceptions)
            self._extensions[extension] = found
        return found

    def by_name(self, name: str) -> list[Rules]:
        """Return the rules that match a name."""
        return [target.here for node in self._nodes for target in node.edges.targets(name)]

    def step(self, segment: str) -> "tuple[_Reach, Rules]":
        """Return the reach of a folder, and the rules that match all that is below it."""
        found = self._steps.get(segment)
        if found is None:
            targets = [target for node in self._nodes for target in node.edges.targets(segment)]
            found = self._reached(targets) if targets else self._elsewhere
            self._steps[segment] = found
        return found

    @cached_property
    def _elsewhere(self) -> "tuple[_Reach, Rules]":
        """What a folder leads to that no pattern names."""
        return self._reached(())

    def _reached(self, targets: Iterable[Node]) -> "tuple[_Reach, Rules]":
        reached = [*self._deep]
        for target in targets:
            reached += target.reached()
        return self._make(reached), NO_RULES.union(*[target.below for target in targets])

    def forget(self) -> None:
        """Forget all folders and extensions."""
        self._steps.clear()
        self._extensions.clear()
        self.__dict__.pop("_elsewhere", None)


class _State(dict[str, T], Generic[T]):
    """The reach of a folder and the rules that match all that is below it, with the answers for names of files."""

    __slots__ = ("_below", "_extensions", "_matcher", "_next", "_reach")

    def __init__(self, matcher: GlobMatcher[T], reach: _Reach, below: Rules) -> None:
        super().__init__()
        self._matcher = matcher
        self._reach = reach
        self._below = below
        self._next: dict[str, _State[T]] = {}
        # The answers for names on which their extension decides, except for names with some parts.
        self._extensions: dict[str, tuple[T | None, Exceptions]] = {}

    def __missing__(self, name: str) -> T:
        dot = name.rfind(".")
        extension = name[dot:] if dot >= 0 else ""
        try:
            answer, exceptions = self._extensions[extension]
        except KeyError:
            found, exceptions = self._reach.by_extension(extension)
            answer = None if found is None else self._matcher.answer(self._below | found)
            self._extensions[extension] = (answer, exceptions)
        if answer is not None:
            for part, texts in exceptions:
                if name[part] in texts:
                    break
            else:
                # Not remembered: this is as fast, and no name uses memory.
                return answer
        answer = self._matcher.answer(self._below.union(*self._reach.by_name(name)))
        if len(name) <= _LONGEST_REMEMBERED:
            self[name] = answer
        return answer

    def step(self, segment: str) -> "_State[T]":
        """Return the state of a folder in this one."""
        found = self._next.get(segment)
        if found is None:
            reach, below = self._reach.step(segment)
            found = self._next[segment] = self._matcher.state(reach, self._below | below)
        return found

    def forget(self) -> None:
        """Forget all answers and next states."""
        self.clear()
        self._next.clear()
        self._extensions.clear()
