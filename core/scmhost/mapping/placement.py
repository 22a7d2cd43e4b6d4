"""Place the frames of a trace together: the folder that explains most of them decides where ambiguous names lie.

Frames of one program were copied from one tree. A frame and a file with the same name suggest such a tree: the rest of
the path in front of their common end, and the rest of the file's path. A file name that exists many times suggests as
many trees, but frames of one trace agree about the right one only.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Final, NamedTuple

from .code_mapping import normalize_slashes
from .paths import FramePath, read_printed_path

# A tree that explains one frame explains nothing that the frame alone does not.
_LEAST_FRAMES: Final = 2
# So many more equal folders decide between trees with equally many frames. One may be a coincidence, as "app" is.
_CLEARLY_CLOSER: Final = 2
_LEAST_SHARED: Final = 4
_BUNDLED: Final = frozenset({"vendor", "_vendor", "third_party", "thirdparty", "external", "node_modules"})


class SourceTree(NamedTuple):
    """A suggested origin of frames.

    Attributes:
        start: the start of the frames' paths.
        repository: the repository's name.
        folder: the folder of the repository that ``start`` stands for.
    """

    start: str
    repository: str
    folder: str


class Suggestion(NamedTuple):
    """A file that a frame may mean, the tree that it suggests, and how many segments the two paths share."""

    file: str
    tree: SourceTree
    shared: int


class Placement(NamedTuple):
    """The frames of a trace with their trees.

    Attributes:
        placed: the file of each frame that one tree explains best.
        undecided: the frames that several trees explain equally well.
    """

    placed: Mapping[FramePath, Suggestion]
    undecided: frozenset[FramePath]

    def file_of(self, path: FramePath) -> tuple[str, str] | None:
        """Return the repository and file of a placed frame."""
        suggestion = self.placed.get(path)
        return (suggestion.tree.repository, suggestion.file) if suggestion else None


def suggestion_of(path: FramePath, repository: str, file: str) -> Suggestion:
    """Return a file with the name of a frame's file as a suggestion."""
    raw = normalize_slashes(path.raw)
    mine, theirs = raw.split("/"), file.split("/")
    shared = 1
    for one, other in zip(reversed(mine[:-1]), reversed(theirs[:-1]), strict=False):
        if one != other:
            break
        shared += 1
    length = len("/".join(theirs[-shared:]))
    return Suggestion(file, SourceTree(raw[: len(raw) - length], repository, file[: len(file) - length]), shared)


def suggest(path: FramePath, files: Iterable[tuple[str, str]]) -> list[Suggestion]:
    """Return the suggestions among the files with the name of a frame's file.

    An installed file can only mean a file with its whole path below the folder of installed code, and no file of a
    library that the repository bundles.
    """
    printed = read_printed_path(path.raw) if path.root is None else None
    installed = printed.installed if printed else None
    found = [suggestion_of(path, *file) for file in files]
    if installed is None:
        return found
    least = installed.count("/") + 1
    return [each for each in found if each.shared >= least and _BUNDLED.isdisjoint(each.tree.folder.split("/"))]


def suggest_all(
    paths: Iterable[FramePath], files_named: Callable[[str], Sequence[tuple[str, str]]], most: int
) -> dict[FramePath, list[Suggestion]]:
    """Return the suggestions of frames among the repositories' files, which are given by file name.

    Names with the most comparisons are left out if all together need more than ``most``: hostile traces repeat a name.
    """
    by_name: defaultdict[str, list[FramePath]] = defaultdict(list)
    for path in paths:
        by_name[path.normalized.rpartition("/")[2]].append(path)
    costs = sorted((len(same) * len(files_named(name)), name) for name, same in by_name.items())
    totals = accumulate(cost for cost, _ in costs)
    affordable = [name for total, (_, name) in zip(totals, costs, strict=True) if total <= most]
    return {path: suggest(path, files_named(name)) for name in affordable for path in by_name[name]}


def place_together(suggestions: Mapping[FramePath, Sequence[Suggestion]]) -> Placement:
    """Assign frames to the trees that explain most of them, the largest tree first.

    A frame that is assigned no longer counts for other trees. The order of frames and files does not matter. The cost
    is linear in the number of suggestions.
    """
    trees: dict[SourceTree, dict[FramePath, Suggestion]] = defaultdict(dict)
    for path, suggested in suggestions.items():
        for suggestion in suggested:
            trees[suggestion.tree][path] = suggestion
    return _Assignment(suggestions, trees).run()


class _Assignment:
    """The state of an assignment: the frames that are still open, and how many of them each tree explains."""

    def __init__(
        self,
        suggestions: Mapping[FramePath, Sequence[Suggestion]],
        trees: Mapping[SourceTree, Mapping[FramePath, Suggestion]],
    ) -> None:
        self._suggestions = suggestions
        self._trees = trees
        self._explains = {tree: len(explained) for tree, explained in trees.items()}
        self._open = set(suggestions)
        self._placed: dict[FramePath, Suggestion] = {}

    def run(self) -> Placement:
        """Assign frames until no tree explains several open ones."""
        undecided: set[FramePath] = set()
        levels: dict[int, list[SourceTree]] = defaultdict(list)
        for tree, count in self._explains.items():
            levels[count].append(tree)
        for count in range(max(levels, default=0), _LEAST_FRAMES - 1, -1):
            largest = []
            for tree in levels.pop(count, ()):
                if self._explains[tree] == count:
                    largest.append(tree)
                else:
                    levels[self._explains[tree]].append(tree)
            undecided |= self._assign(largest)
        return Placement(self._placed, frozenset(undecided))

    def _assign(self, trees: Iterable[SourceTree]) -> set[FramePath]:
        """Assign the open frames of trees that explain equally many; return those that several of them explain."""
        claims: dict[FramePath, list[Suggestion]] = defaultdict(list)
        plausible = {tree for tree in trees if self._is_plausible(tree)}
        for tree in trees:
            for path, suggestion in self._open_frames(tree):
                claims[path].append(suggestion)
        undecided = set()
        for path, claimed in claims.items():
            closest = _closest(claimed)
            if closest is None or closest.tree not in plausible:
                undecided.add(path)
            else:
                self._placed[path] = closest
            self._open.discard(path)
            for suggestion in self._suggestions[path]:
                self._explains[suggestion.tree] -= 1
        return undecided

    def _is_plausible(self, tree: SourceTree) -> bool:
        """Return whether the frames of a tree share more with it than a few common names."""
        shared = [suggestion.shared for _, suggestion in self._open_frames(tree)]
        return sum(shared) >= _LEAST_SHARED

    def _open_frames(self, tree: SourceTree) -> Iterator[tuple[FramePath, Suggestion]]:
        return ((path, suggestion) for path, suggestion in self._trees[tree].items() if path in self._open)


def _closest(claimed: Sequence[Suggestion]) -> Suggestion | None:
    """Return the suggestion that shares clearly more of the path than the others, or None."""
    best, *others = sorted(claimed, key=lambda suggestion: -_closeness(suggestion))
    return best if not others or _closeness(best) - _closeness(others[0]) >= _CLEARLY_CLOSER else None


def _closeness(suggestion: Suggestion) -> int:
    # A file that has its whole path in common with the frame cannot share more.
    return suggestion.shared + (not suggestion.tree.folder)
