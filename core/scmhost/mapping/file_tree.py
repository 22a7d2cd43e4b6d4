"""Find the file of a repository that a printed path means, without a code mapping.

Files are compared with the end of the path. The file that shares the most segments is the best match. If several files
share equally many, none is chosen, unless the frames of a trace agree, or earlier paths have shown where such paths
begin.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from scmhost.sdk.reasons import Confidence

from .paths import FramePath, PrintedPath

# One shared segment is only a file name, which proves nothing if neither path is the end of the other.
_MIN_SHARED: Final = 2
_MAX_ROOTS: Final = 64
_MAX_NAMED: Final = 3
# Pasted text is untrusted: its cost must not grow with the repository.
_MAX_COMPARED: Final = 500
_MAX_DEPTH: Final = 64
# Frames that are placed together: those of a text, or the last ones of a stream with those that arrive.
_MAX_RECENT: Final = 100
_MAX_PLACED: Final = 8192
# Comparisons with files: those of one call, those that a text may begin with, and those that each path adds.
_MOST_TOGETHER: Final = 20_000
_FIRST_CREDIT: Final = 100_000
_MORE_CREDIT: Final = 50


class LocatedFile(NamedTuple):
    """A file of the repository.

    Attributes:
        path: the path from the repository's top.
        confidence: high if the printed path is the file's own, medium if one is the end of the other and this is the
            only such file, low if they only share the most segments at their ends.
    """

    path: str
    confidence: Confidence


class NotLocated(NamedTuple):
    """No file of the repository matches, or several do; ``several`` then has the first few of them."""

    several: tuple[str, ...] = ()


class FileTree:
    """The files of one repository at one commit, and the roots that earlier matches have shown.

    Args:
        files: the paths from the repository's top.
        below: a folder with a trailing slash. Of files that match equally well, the only one below it is chosen.
    """

    def __init__(self, files: Iterable[str], below: str = "") -> None:
        self._files = frozenset(files)
        self._below = below
        self._by_name: dict[str, list[str]] = {}
        for file in self._files:
            self._by_name.setdefault(_name_of(file), []).append(file)
        # For each name that was needed so far: the files of that name, by the folder that they are in.
        self._by_folder: dict[str, dict[str, list[str]]] = {}
        self._roots: dict[tuple[str, str], Confidence] = {}
        self._recent: dict[PrintedPath, None] = {}
        self._placed: dict[PrintedPath, str] = {}
        self._credit = _FIRST_CREDIT
        # What follows each blank in a path, with the files that have it; it is read at the first use.
        self._behind_blanks: dict[str, list[str]] | None = None

    def __len__(self) -> int:
        return len(self._files)

    def __contains__(self, path: str) -> bool:
        return path in self._files

    def named(self, name: str) -> Sequence[str]:
        """Return the files with this name, in no order."""
        return self._by_name.get(name, ())

    def behind_blank(self, path: str) -> str | None:
        """Return the only file whose path ends with this one behind a blank, such as ``my lib/cart.c``."""
        if self._behind_blanks is None:
            self._behind_blanks = {}
            for file in self._files:
                for blank in (at for at, character in enumerate(file) if character == " "):
                    self._behind_blanks.setdefault(file[blank + 1 :], []).append(file)
        found = self._behind_blanks.get(path, ())
        return found[0] if len(found) == 1 else None

    @property
    def learned(self) -> int:
        """The number of roots and placed paths. A path without a match may have one once this number has grown."""
        return len(self._roots) + len(self._placed)

    def place(self, paths: Iterable[PrintedPath]) -> None:
        """Place the frames of a trace together: equal names lie in the folder that explains most of the frames.

        Frames of a stream arrive one after the other, so that they are placed together with the last ones before them.
        """
        known = (path for path in paths if path not in self._recent and self.named(_name_of(path.whole)))
        new = dict.fromkeys(known)
        together = dict.fromkeys([*self._recent, *new])
        self._recent = dict.fromkeys([*together][-_MAX_RECENT:])
        self._credit += _MORE_CREDIT * len(new)
        most = min(self._credit, _MOST_TOGETHER)
        is_clear = all(len(self.named(_name_of(path.whole))) == 1 for path in together)
        if not new or is_clear or most < len(together):
            return
        # Imported here: few texts have ambiguous names, and all others start faster without it.
        from .placement import place_together, suggest_all  # noqa: PLC0415

        frames = {_frame_path(path): path for path in together}
        candidates = suggest_all(frames, self._suggested, most)
        self._credit -= len(frames) + sum(map(len, candidates.values()))
        for frame, suggestion in place_together(candidates).placed.items():
            if len(self._placed) < _MAX_PLACED:
                self._placed.setdefault(frames[frame], suggestion.file)

    def _suggested(self, name: str) -> Sequence[tuple[str, str]]:
        return [("", file) for file in self.named(name)]

    def locate(self, printed: PrintedPath) -> LocatedFile | NotLocated:
        """Return the file that a printed path means: one path is the end of the other, or they share an end."""
        path = printed.whole
        # An absolute path equal to a file is a coincidence: it begins at the top of a machine.
        if path in self._files and not printed.absolute:
            return LocatedFile(path, "high")
        placed = self._placed.get(printed)
        if placed is not None:
            return LocatedFile(placed, "medium" if printed.installed is None else "low")
        if printed.installed is not None:
            return self._locate_installed(printed.installed)
        return self._locate_by_root(path) or self._locate_by_end(path)

    def _locate_installed(self, path: str) -> LocatedFile | NotLocated:
        # Code of others lies beside code that was installed from here, so that a file name alone proves nothing.
        if "/" not in path:
            return NotLocated()
        matching = self._nearest([file for file in self._with_same_end(path) if _ends_with(file, path)])
        return LocatedFile(matching[0], "low") if len(matching) == 1 else _ambiguous(matching)

    def _locate_by_root(self, path: str) -> LocatedFile | None:
        """Use a root of an earlier match, the newest first."""
        # The newest first: a log may hold the output of several machines, one after the other.
        for (stack_root, source_root), confidence in reversed(self._roots.items()):
            if path.startswith(stack_root) and source_root + path[len(stack_root) :] in self._files:
                return LocatedFile(source_root + path[len(stack_root) :], confidence)
        return None

    def _locate_by_end(self, path: str) -> LocatedFile | NotLocated:
        ends = (file for end in _suffixes(path) for file in (self._below + end, end))
        longest = next((file for file in ends if file in self._files), None)
        if longest is not None:
            return self._accept(path, longest, "medium")
        similar = self._with_same_end(path)
        # Hundreds of files with the same name and folder, such as ``__init__.py``, cannot be distinguished.
        if len(similar) > _MAX_COMPARED:
            return _ambiguous(similar)
        whole = self._nearest([file for file in similar if _ends_with(file, path)])
        if len(whole) == 1:
            return self._accept(path, whole[0], "medium" if "/" in path else "low")
        return _ambiguous(whole) if whole else self._locate_by_shared_end(path, similar)

    def _locate_by_shared_end(self, path: str, similar: Sequence[str]) -> LocatedFile | NotLocated:
        shared = {file: _shared_segments(path, file) for file in similar}
        most = max(shared.values(), default=0)
        if most < _MIN_SHARED:
            return NotLocated()
        best = self._nearest([file for file, count in shared.items() if count == most])
        return self._accept(path, best[0], "low") if len(best) == 1 else _ambiguous(best)

    def _nearest(self, files: Sequence[str]) -> Sequence[str]:
        """Return the only one of several files that is below the folder, else all of them."""
        near = [file for file in files if file.startswith(self._below)] if self._below else files
        return near if len(near) == 1 else files

    def _with_same_end(self, path: str) -> Sequence[str]:
        """Return the files with the same name in a folder of the same name; for a name alone, all with that name."""
        folder, _, name = path.rpartition("/")
        named = self._by_name.get(name, ())
        if not folder or not named:
            return named
        folders = self._by_folder.get(name)
        if folders is None:
            folders = self._by_folder[name] = {}
            for file in named:
                folders.setdefault(file.rpartition("/")[0].rpartition("/")[2], []).append(file)
        return folders.get(folder.rpartition("/")[2], ())

    def _accept(self, path: str, file: str, confidence: Confidence) -> LocatedFile:
        """Return the match; keep where such paths begin, if more than the file's name shows it."""
        count = _shared_segments(path, file)
        if count >= _MIN_SHARED and len(self._roots) < _MAX_ROOTS:
            tail = len("/".join(path.split("/")[-count:]))
            self._roots[path[:-tail], file[:-tail]] = confidence
        return LocatedFile(file, confidence)


def _name_of(path: str) -> str:
    return path.rpartition("/")[2]


def _frame_path(printed: PrintedPath) -> FramePath:
    return FramePath(f"{'/' * printed.absolute}{printed.whole}", printed.whole, "")


def _ends_with(path: str, end: str) -> bool:
    """Return whether a path ends in another, by whole segments."""
    return path == end or path.endswith(f"/{end}")


def _suffixes(path: str) -> Iterator[str]:
    """Yield the ends of a path by whole segments, the longest first; of a very deep path only the shorter ones."""
    segments = path.split("/")
    for at in range(max(0, len(segments) - _MAX_DEPTH), len(segments)):
        yield "/".join(segments[at:])


def _shared_segments(path: str, file: str) -> int:
    """Return how many segments at their ends two paths have in common."""
    count = 0
    for one, other in zip(reversed(path.split("/")), reversed(file.split("/")), strict=False):
        if one != other:
            break
        count += 1
    return count


def _ambiguous(files: Sequence[str]) -> NotLocated:
    return NotLocated(tuple(sorted(files)[:_MAX_NAMED]))
