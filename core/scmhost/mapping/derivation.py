"""Derive code mappings from frames and the file lists of repositories."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from scmhost.sdk.reasons import Confidence

from .code_mapping import Rule, fold, normalize_slashes
from .frame_mapping import FrameInfo, common_package, source_set_of
from .index import MappingIndex
from .paths import FramePath, NoRoots, ending_of, read_frame_path
from .placement import Placement, place_together, suggest_all

SOURCE_ENDINGS: Final = frozenset(
    """
    asm astro bas c c++ cbl cc cfc cfm cjs clj cljc cljs cls cob coffee cpp cr cs cshtml cts cu cxx d dart erl ex exs
    f f90 for fs fsx gleam go gradle groovy h haml hh hpp hrl hs hx hxx inc ino java jl js jsp jsx jte kt kts lhs lua
    m mjs ml mli mm mts nim pas php phtml pl pm ps1 psm1 py pyi pyw pyx r rake razor rb rbi rego rs ru s scala sc sol
    sql svelte swift tcl ts tsx twig v vala vb vbhtml vue wat zig
    """.split()  # noqa: SIM905 - a hundred quotation marks are no easier to read
)

_TESTS: Final = (
    re.compile(r"(?:^|/)(?:tests?|specs?|__tests__|__specs__|__mocks__)/", re.IGNORECASE),
    # test_cart.py, cart_test.go, cart_spec.rb, cart.test.ts, cart.spec.jsx.
    re.compile(r"(?:^|/)(?:test_[^/]+|[^/]+(?:_test|_spec|[.-]test|[.-]spec)\.[^/.]+)$", re.IGNORECASE),
    # CartTest.java, CartTests.cs, CartSpec.groovy; a class with the name Test alone is no test.
    re.compile(r"[a-z0-9](?:Tests?|TestCase|Spec)\.(?:java|kts?|groovy|scala|cs|vb|swift|php|mm?)$"),
)


# Pasted text is untrusted: 100 frames, each with 500 files of its name.
_MOST_COMPARED: Final = 50_000


class Evidence(NamedTuple):
    """A frame's path and the only file that it can mean."""

    path: str
    file: str


class Share(NamedTuple):
    """How many of a trace's frames a mapping leads to a known file."""

    explained: int
    frames: int


class DerivedRoots(NamedTuple):
    """A stack root and the source root that replaces it in the repository."""

    stack_root: str
    source_root: str


@dataclass(frozen=True, slots=True)
class DerivedMapping:
    """A code mapping that was not made by a person.

    Attributes:
        repository: the repository's name.
        roots: the stack root and the source root.
        confidence: ``high`` if several files support it or a path has three segments in common with its file,
            ``medium`` for two segments, ``low`` for a file name alone.
        derived_from: the frames and files that support it.
        share: how many frames it explains, of all that name a file.
    """

    repository: str
    roots: DerivedRoots
    confidence: Confidence
    derived_from: tuple[Evidence, ...]
    share: Share


class _MatchedFrame(NamedTuple):
    """A frame's path and the file that it means, with the roots that lead there."""

    path: FramePath
    repository: str
    roots: DerivedRoots
    file: str


# A repository, and a folder of it that a derived mapping leads to.
_Covered = set[tuple[str, str]]


class _FileLists:
    """The source files of repositories, by file name."""

    def __init__(self, files: Mapping[str, Iterable[str]], *, complete: bool) -> None:
        self._complete = complete
        self._files = {name: [file for file in listed if is_source_file(file)] for name, listed in files.items()}
        self._by_name: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
        for repository, listed in self._files.items():
            # Without duplicates: a file that is listed twice would look ambiguous.
            for file in dict.fromkeys(listed):
                self._by_name[_name_of(file)].append((repository, file))
        self._known: set[tuple[str, str | None]] = {pair for listed in self._by_name.values() for pair in listed}

    def all_files(self, repository: str) -> Sequence[str]:
        """Return all files of a repository, or none if the list is incomplete."""
        return self._files[repository] if self._complete else ()

    def named(self, name: str) -> Sequence[tuple[str, str]]:
        """Return the repository and path of each file with this name."""
        return self._by_name.get(name, ())

    def has(self, target: tuple[str, str | None]) -> bool:
        """Return whether a repository has a file."""
        return target in self._known

    def only_match(self, normalized: str, covered: _Covered) -> tuple[str, str] | None:
        """Return the one repository and file that a path can mean; None if there is none or several."""
        matching = [
            (repository, file)
            for repository, file in self._by_name.get(_name_of(normalized), ())
            if _one_ends_other(normalized, file) and not _is_covered(repository, file, covered)
        ]
        return matching[0] if len(matching) == 1 else None


def derive_mappings(
    frames: Iterable[FrameInfo], files: Mapping[str, Iterable[str]], *, whole: bool = True
) -> list[DerivedMapping]:
    """Return the code mappings that frames and files support, sorted by repository and roots.

    Frames with a file name that exists several times are placed together: the tree that explains most frames wins, see
    ``placement``. Frames that this leaves are compared alone. Those that could mean several files are tried again
    without the files that a derived mapping already covers. A frame that several trees explain equally well gets none.

    Args:
        frames: the frames of a project.
        files: the files of candidate repositories, by the repositories' names.
        whole: whether these are all files of each repository, or only those with the name of a frame's file.
    """
    lists = _FileLists(files, complete=whole)
    paths = _frame_paths(frames)
    placement = place_together(suggest_all(paths, lists.named, _MOST_COMPARED))
    matches = list(_placed_matches(placement, lists))
    waiting = [path for path in paths if path not in placement.undecided]
    fresh = matches
    while True:
        # Frames of one origin share a mapping; the others of that origin need none of their own.
        matched_tops = {match.path.top for match in fresh}
        waiting = [path for path in waiting if path.top not in matched_tops]
        covered = {(match.repository, match.roots.source_root) for match in matches}
        fresh = list(_unique_matches(waiting, lists, covered))
        if not fresh:
            return _agreeing(matches, placement, paths, lists)
        matches = [*matches, *fresh]


def file_names(frames: Iterable[FrameInfo]) -> list[str]:
    """Return the names of the files that frames may mean, each once."""
    return list(dict.fromkeys(_name_of(path.normalized) for path in _frame_paths(frames)))


def derive_roots(info: FrameInfo, source_file: str, repo_files: Sequence[str] = ()) -> DerivedRoots | NoRoots:
    """Return the roots by which a frame's path leads to a source file, or the reason why there are none.

    The repository's files, if they are known, show where the packages of a class begin.
    """
    path = read_frame_path(info)
    return path if isinstance(path, NoRoots) else _roots_between(path, source_file, repo_files)


def is_source_file(path: str) -> bool:
    """Return whether a file is source of a known language, and neither a test nor a specification."""
    return ending_of(path) in SOURCE_ENDINGS and not any(pattern.search(path) for pattern in _TESTS)


def _frame_paths(frames: Iterable[FrameInfo]) -> list[FramePath]:
    paths = (read_frame_path(info) for info in frames)
    return list(dict.fromkeys(path for path in paths if not isinstance(path, NoRoots)))


def _placed_matches(placement: Placement, lists: _FileLists) -> Iterator[_MatchedFrame]:
    """Yield the frames that are placed together with others."""
    for path, candidate in placement.placed.items():
        repository, file = candidate.tree.repository, candidate.file
        roots = _exact_roots(path, repository, file, lists)
        if roots is not None:
            yield _MatchedFrame(path, repository, roots, file)


def _unique_matches(paths: Iterable[FramePath], lists: _FileLists, covered: _Covered) -> Iterator[_MatchedFrame]:
    """Yield each path that can mean one file only."""
    for path in paths:
        match = lists.only_match(path.normalized, covered)
        roots = _exact_roots(path, *match, lists) if match else None
        if match and roots:
            yield _MatchedFrame(path, match[0], roots, match[1])


def _agreeing(
    matches: Iterable[_MatchedFrame], placement: Placement, paths: Sequence[FramePath], lists: _FileLists
) -> list[DerivedMapping]:
    """Return the mappings of matches, without those that would place a frame elsewhere than the trace decides."""
    evidence: dict[tuple[str, DerivedRoots], list[Evidence]] = defaultdict(list)
    for match in matches:
        evidence[match.repository, match.roots].append(Evidence(match.path.raw, match.file))
    # Sorted, so that frames in another order give the same answer.
    ordered = sorted(evidence)
    index = MappingIndex([Rule(at, *roots) for at, (_, roots) in enumerate(ordered)])
    explained, wrong = Counter[int](), set[int]()
    for path in paths:
        targets = [(rule.id, (ordered[rule.id][0], file)) for rule, file in index.matches(path.raw)]
        listed = [target for target in targets if lists.has(target[1])]
        explained.update(at for at, _ in listed[:1])
        if path in placement.undecided or path in placement.placed:
            right = placement.file_of(path)
            wrong.update(_before(right, listed))
    return [
        DerivedMapping(
            key[0],
            key[1],
            _confidence(evidence[key]),
            tuple(sorted(set(evidence[key]))),
            Share(explained[at], len(paths)),
        )
        for at, key in enumerate(ordered)
        if at not in wrong
    ]


def _before(right: tuple[str, str] | None, targets: Iterable[tuple[int, tuple[str, str | None]]]) -> Iterator[int]:
    """Yield the mappings that are tried before one leads to the right file."""
    for at, target in targets:
        if target == right:
            return
        yield at


def _exact_roots(path: FramePath, repository: str, file: str, lists: _FileLists) -> DerivedRoots | None:
    """Return the roots that lead from a path to a file, or None if no code mapping can do that."""
    roots = _roots_between(path, file, lists.all_files(repository))
    # Roots are derived from text; the rule itself must agree before a mapping is offered.
    if isinstance(roots, DerivedRoots) and Rule(0, roots.stack_root, roots.source_root).source_path(path.raw) == file:
        return roots
    return None


def _name_of(path: str) -> str:
    return path.rpartition("/")[2]


def _one_ends_other(path: str, file: str) -> bool:
    """Return whether one of two paths is the end of the other, by whole segments."""
    return f"/{file}".endswith(f"/{path}") or f"/{path}".endswith(f"/{file}")


def _is_covered(repository: str, file: str, covered: _Covered) -> bool:
    # An empty root is the whole repository. It covers no file, or else no second mapping could be derived for it.
    return any(repository == other and root and file.startswith(root) for other, root in covered)


def _confidence(evidence: Sequence[Evidence]) -> Confidence:
    longest = max(min(normalize_slashes(item.path).count("/"), item.file.count("/")) + 1 for item in evidence)
    if len({item.file for item in evidence}) > 1 or longest > 2:  # noqa: PLR2004 - see DerivedMapping.confidence
        return "high"
    return "medium" if longest == 2 else "low"  # noqa: PLR2004


def _roots_between(path: FramePath, source_file: str, repo_files: Sequence[str]) -> DerivedRoots | NoRoots:
    source = fold(normalize_slashes(source_file))
    if not source:
        return NoRoots.NO_COMMON_ROOT
    return _source_set_roots(path, source, repo_files) or _suffix_roots(path, source) or _common_end_roots(path, source)


def _source_set_roots(path: FramePath, source: str, repo_files: Sequence[str]) -> DerivedRoots | None:
    """Return the roots of a class in a build tool's source set: the package that contains all files of the set."""
    # Only classes have a package below a source set; a printed file path shows its folders itself.
    source_set = source_set_of(source) if path.root is not None else None
    if source_set is None or source != source_set + path.raw:
        return None
    inside = [file.removeprefix(source_set) for file in repo_files if file.startswith(source_set)]
    if not inside:
        return None
    package = common_package([*inside, path.raw])
    return DerivedRoots(package, source_set + package)


def _suffix_roots(path: FramePath, source: str) -> DerivedRoots | None:
    """Return the roots of a path that is the end of the source file's path.

    Both roots include the path's top folder, so that the mapping does not match frames of other folders.
    """
    start = path.raw[:1] if path.raw[:1] in ("/", "\\") else ""
    body = path.raw[len(start) :]
    if not source.endswith(f"/{body}"):
        return None
    folder, slash, _ = body.partition("/")
    top = path.root if path.root is not None else (folder + slash if slash else "")
    return DerivedRoots(start + top, source.removesuffix(body) + top)


def _common_end_roots(path: FramePath, source: str) -> DerivedRoots | NoRoots:
    """Return the roots of paths with a common end: the rest of each path."""
    common = -1
    for mine, theirs in zip(
        reversed(normalize_slashes(path.raw).split("/")), reversed(source.split("/")), strict=False
    ):
        if mine != theirs:
            break
        common += len(mine) + 1
    # Zero if only the empty names after two closing slashes are equal.
    if common <= 0:
        return NoRoots.NO_COMMON_ROOT
    return DerivedRoots(path.raw[: len(path.raw) - common], source[: len(source) - common])
