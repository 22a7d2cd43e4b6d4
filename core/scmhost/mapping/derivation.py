"""Code mappings that frames and the repositories' lists of files tell together."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from scmhost.sdk.reasons import Confidence

from .frame_path import FramePath, NoRoots, read_frame_path
from .munging import FrameInfo
from .pair_roots import Roots, roots_between
from .rule import Rule
from .source_files import is_source_file


class Evidence(NamedTuple):
    """A frame's path and the one file that it can be of."""

    path: str
    file: str


@dataclass(frozen=True, slots=True)
class DerivedMapping:
    """A code mapping that was not made by a person.

    Attributes:
        repository: the repository's name.
        roots: the stack root and the source root.
        confidence: ``high`` if several files say so or a path has three segments in common with its file, ``medium``
            for two segments, ``low`` for a mere file name.
        derived_from: the frames and files that say so.
    """

    repository: str
    roots: Roots
    confidence: Confidence
    derived_from: tuple[Evidence, ...]


class _Found(NamedTuple):
    repository: str
    roots: Roots
    evidence: Evidence


# A repository, and a folder of it that a derived mapping leads to.
_Covered = set[tuple[str, str]]


class Trees:
    """The source files of repositories, by their names."""

    def __init__(self, files: Mapping[str, Iterable[str]], *, whole: bool) -> None:
        self._whole = whole
        self._files = {name: [file for file in listed if is_source_file(file)] for name, listed in files.items()}
        self._named: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
        for repository, listed in self._files.items():
            for file in dict.fromkeys(listed):
                self._named[_name_of(file)].append((repository, file))

    def of(self, repository: str) -> Sequence[str]:
        """All files of a repository, or none where nobody knows them all."""
        return self._files[repository] if self._whole else ()

    def only_match(self, normalized: str, covered: _Covered) -> tuple[str, str] | None:
        """The one repository and file that a path can be of, or None for none or several."""
        matching = [
            (repository, file)
            for repository, file in self._named.get(_name_of(normalized), ())
            if _ends_alike(normalized, file) and not _is_covered(repository, file, covered)
        ]
        return matching[0] if len(matching) == 1 else None


def derive_mappings(
    frames: Iterable[FrameInfo], files: Mapping[str, Iterable[str]], *, whole: bool = True
) -> list[DerivedMapping]:
    """The code mappings that frames and the files of repositories tell, in an order of their own.

    Frames that could be of several files are looked at again without the files that a mapping leads to already.

    Args:
        frames: the frames of a project.
        files: the files of the repositories that it may be of, by the repositories' names.
        whole: whether these are all files of each, or just those that are called like a frame's.
    """
    trees = Trees(files, whole=whole)
    waiting = _paths_of(frames)
    found: dict[tuple[str, Roots], list[Evidence]] = defaultdict(list)
    covered: _Covered = set()
    while waiting:
        fresh = list(_look(waiting, trees, covered))
        if not fresh:
            break
        for path, item in fresh:
            found[item.repository, item.roots].append(item.evidence)
            covered.add((item.repository, item.roots.source_root))
            waiting = [other for other in waiting if other.top != path.top]
    return sorted((_mapping(*key, evidence) for key, evidence in found.items()), key=_place)


def file_names(frames: Iterable[FrameInfo]) -> list[str]:
    """How the files are called that frames may be of, each name once."""
    return list(dict.fromkeys(_name_of(path.normalized) for path in _paths_of(frames)))


def _paths_of(frames: Iterable[FrameInfo]) -> list[FramePath]:
    read = (read_frame_path(info) for info in frames)
    return list(dict.fromkeys(path for path in read if not isinstance(path, NoRoots)))


def _look(paths: Iterable[FramePath], trees: Trees, covered: _Covered) -> Iterator[tuple[FramePath, _Found]]:
    for path in paths:
        match = trees.only_match(path.normalized, covered)
        roots = roots_between(path, match[1], trees.of(match[0])) if match else NoRoots.NO_COMMON_ROOT
        if match and isinstance(roots, Roots) and _leads_back(roots, *Evidence(path.raw, match[1])):
            yield path, _Found(match[0], roots, Evidence(path.raw, match[1]))


def _leads_back(roots: Roots, path: str, file: str) -> bool:
    return Rule(0, roots.stack_root, roots.source_root).source_path(path) == file


def _name_of(path: str) -> str:
    return path.rpartition("/")[2]


def _ends_alike(path: str, file: str) -> bool:
    """Whether one of two paths is the end of the other, by whole segments."""
    return f"/{file}".endswith(f"/{path}") or f"/{path}".endswith(f"/{file}")


def _is_covered(repository: str, file: str, covered: _Covered) -> bool:
    """A mapping to the whole repository covers nothing, or no other could be found."""
    return any(repository == other and root and file.startswith(root) for other, root in covered)


def _mapping(repository: str, roots: Roots, evidence: Sequence[Evidence]) -> DerivedMapping:
    return DerivedMapping(repository, roots, _confidence(evidence), tuple(sorted(set(evidence))))


def _confidence(evidence: Sequence[Evidence]) -> Confidence:
    longest = max(min(item.path.count("/") + item.path.count("\\"), item.file.count("/")) + 1 for item in evidence)
    if len({item.file for item in evidence}) > 1 or longest > 2:  # noqa: PLR2004 - as the docstring has it
        return "high"
    return "medium" if longest == 2 else "low"  # noqa: PLR2004


def _place(mapping: DerivedMapping) -> tuple[str, str, str]:
    return mapping.repository, mapping.roots.stack_root, mapping.roots.source_root
