"""The files of a repository, and which of them a printed path is, where no code mapping says it.

A path is matched by its end. The more of it that a file shares, the likelier the file; what two files share alike is
of neither, unless other frames have told where such paths begin.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from scmhost.sdk.reasons import Confidence

from .printed_path import PrintedPath

# Fewer shared segments than these say nothing where neither path is the end of the other.
_LEAST_SHARED: Final = 2
_MOST_ROOTS: Final = 64
_MOST_NAMED: Final = 3
# Among more files that are alike, none is looked for: text from strangers must not cost more for a larger repository.
_MOST_COMPARED: Final = 500
_DEEPEST: Final = 64


@dataclass(frozen=True, slots=True)
class Located:
    """A file of the repository.

    Attributes:
        path: from the repository's top.
        confidence: high where the printed path is the file's own, medium where one is the end of the other and no
            other file is, low where they only share the most segments at their ends.
    """

    path: str
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class Unlocated:
    """No file of the repository, or several; then some of them."""

    several: tuple[str, ...] = ()


class FileTree:
    """The files of one repository at one commit. It learns from what it finds, and never changes otherwise."""

    def __init__(self, files: Iterable[str]) -> None:
        self._files = frozenset(files)
        self._named: dict[str, list[str]] = {}
        for file in self._files:
            self._named.setdefault(file.rpartition("/")[2], []).append(file)
        # The files of a name by the folder that they are in, for names that were asked for.
        self._folders: dict[str, dict[str, list[str]]] = {}
        self._roots: dict[tuple[str, str], Confidence] = {}

    def __len__(self) -> int:
        return len(self._files)

    def __contains__(self, path: str) -> bool:
        return path in self._files

    @property
    def learned(self) -> int:
        """How much was learned; what was not found before may be found when this has grown."""
        return len(self._roots)

    def locate(self, printed: PrintedPath) -> Located | Unlocated:
        """The file that a printed path is of: one that ends like it, or that it ends like."""
        path = printed.whole
        if path in self._files and not printed.absolute:
            return Located(path, "high")
        if printed.installed is not None:
            return self._by_installed(printed.installed)
        return self._by_known_root(path) or self._by_end(path)

    def _by_installed(self, path: str) -> Located | Unlocated:
        """Installed from here, or of others: a mere name is no sign."""
        if "/" not in path:
            return Unlocated()
        found = [file for file in self._alike(path) if _ends(file, path)]
        return Located(found[0], "low") if len(found) == 1 else _several(found)

    def _by_known_root(self, path: str) -> Located | None:
        for (stack, source), confidence in reversed(self._roots.items()):
            if path.startswith(stack) and source + path[len(stack) :] in self._files:
                return Located(source + path[len(stack) :], confidence)
        return None

    def _by_end(self, path: str) -> Located | Unlocated:
        longest = next((end for end in _ends_of(path) if end in self._files), None)
        if longest is not None:
            return self._learn(path, longest, "medium")
        alike = self._alike(path)
        if len(alike) > _MOST_COMPARED:
            return _several(alike)
        whole = [file for file in alike if _ends(file, path)]
        if whole:
            return self._learn(path, whole[0], _confidence_in(path)) if len(whole) == 1 else _several(whole)
        return self._by_shared_end(path, alike)

    def _alike(self, path: str) -> Sequence[str]:
        """The files whose last two segments are a path's; of a mere name, all files of that name."""
        folder, _, name = path.rpartition("/")
        named = self._named.get(name, ())
        if not folder or not named:
            return named
        folders = self._folders.get(name)
        if folders is None:
            folders = self._folders[name] = {}
            for file in named:
                folders.setdefault(_last_folder(file), []).append(file)
        return folders.get(folder.rpartition("/")[2], ())

    def _by_shared_end(self, path: str, alike: Sequence[str]) -> Located | Unlocated:
        shared = {file: _shared(path, file) for file in alike}
        most = max(shared.values(), default=0)
        best = [file for file, count in shared.items() if count == most]
        if most < _LEAST_SHARED or not best:
            return Unlocated()
        return self._learn(path, best[0], "low") if len(best) == 1 else _several(best)

    def _learn(self, path: str, file: str, confidence: Confidence) -> Located:
        """Remembers where such paths begin, if more than the file's name says so."""
        count = _shared(path, file)
        if count >= _LEAST_SHARED and len(self._roots) < _MOST_ROOTS:
            tail = len("/".join(path.split("/")[-count:]))
            self._roots[path[:-tail], file[:-tail]] = confidence
        return Located(file, confidence)


def _ends(longer: str, end: str) -> bool:
    """Whether a path ends in another, by whole segments."""
    return longer == end or longer.endswith(f"/{end}")


def _ends_of(path: str) -> Iterator[str]:
    """The ends of a path by whole segments, the longest first; of a very deep one the shorter ones."""
    segments = path.split("/")
    for at in range(max(0, len(segments) - _DEEPEST), len(segments)):
        yield "/".join(segments[at:])


def _last_folder(file: str) -> str:
    return file.rpartition("/")[0].rpartition("/")[2]


def _shared(path: str, file: str) -> int:
    """How many segments at their ends two paths have in common."""
    count = 0
    for one, other in zip(reversed(path.split("/")), reversed(file.split("/")), strict=False):
        if one != other:
            break
        count += 1
    return count


def _confidence_in(path: str) -> Confidence:
    return "medium" if "/" in path else "low"


def _several(files: Sequence[str]) -> Unlocated:
    """All of them alike, or none: a few are enough to tell a reader."""
    return Unlocated(tuple(sorted(files)[:_MOST_NAMED]))
