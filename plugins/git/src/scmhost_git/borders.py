"""Refuse repositories that reach outside of the folder: git would show the commits of repositories elsewhere.

Who may write into a folder can make git read others, which scmhost may read for other organizations: by alternates, by
symbolic links, by ``commondir``, or by its configuration. Within the folder these are allowed.
"""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from . import git
from .folders import is_folder

MAX_FOLDERS: Final = 20_000
"""The most folders of one repository that are searched for symbolic links."""

# What git reads in its directory for the commands of this plugin.
_FILES: Final = frozenset(
    {"HEAD", "config", "config.worktree", "info", "objects", "packed-refs", "refs", "reftable", "shallow"}
)
_FOLDERS: Final = ("objects", "refs", "info", "reftable")
_MAX_DEPTH: Final = 5
# Keys whose value is a path that git reads, or that changes where it reads.
_PATHS: Final = frozenset({"core.worktree", "mailmap.file", "blame.ignorerevsfile", "extensions.refstorage"})
_KNOWN_STORAGES: Final = frozenset({"files", "reftable"})
_SECONDS: Final = 2.0
_MOST_KEPT: Final = 1_000
# A change within the resolution of the file system's clock does not show.
_SETTLED_NS: Final = 1_000_000_000

_Stamp = tuple[int, int, int]


class _Verdict(NamedTuple):
    """Files and folders of a repository that reaches nowhere outside, as they were at a time."""

    stamps: dict[str, _Stamp | None]
    at: int

    def holds(self) -> bool:
        settled = all(stamp is None or stamp[2] < self.at - _SETTLED_NS for stamp in self.stamps.values())
        return settled and all(_stamp(path) == stamp for path, stamp in self.stamps.items())


_KEPT: Final[dict[tuple[Path, Path], _Verdict]] = {}


def problem_outside(git_dir: Path, top: Path) -> str | None:
    """Return how a repository reaches outside of a folder, as the end of a sentence; None: it does not.

    The result is kept until a file or folder that matters has changed.
    """
    kept = _KEPT.get((git_dir, top))
    if kept and kept.holds():
        return None
    search = _Search(top)
    began = time.time_ns()
    problem = next(search.problems(git_dir), None)
    if problem is None:
        if len(_KEPT) >= _MOST_KEPT:
            _KEPT.clear()
        _KEPT[git_dir, top] = _Verdict(search.stamps, began)
    return problem


class _Search:
    """A search for what leads out of a folder. It notes the state of each file and folder that it depends on."""

    def __init__(self, top: Path) -> None:
        self.stamps: dict[str, _Stamp | None] = {}
        self._top = Path(os.path.realpath(top))
        self._searched: set[str] = set()

    def problems(self, git_dir: Path) -> Iterator[str]:
        """Yield each way in which a repository reaches outside."""
        self._note(git_dir)
        for name in sorted(_FILES):
            if not self._is_inside(git_dir / name):
                yield f"{name} is a link out of the folder"
        # Only a linked worktree has one, and its data is elsewhere.
        if os.path.lexists(git_dir / "commondir"):
            yield "its file commondir names another repository"
        for name in _FOLDERS:
            yield from self._links(git_dir / name, name)
        yield from self._alternates(git_dir / "objects", 0)
        for name in ("config", "config.worktree"):
            yield from self._settings(git_dir, name)

    def _links(self, folder: Path, shown: str) -> Iterator[str]:
        """Yield the symbolic links below a folder that lead out. Links to folders inside are followed."""
        real = os.path.realpath(folder)
        if real in self._searched:
            return
        self._searched.add(real)
        if len(self._searched) > MAX_FOLDERS:
            yield f"it has more than {MAX_FOLDERS} folders, too many to search"
            return
        self._note(folder)
        try:
            with os.scandir(folder) as entries:
                listed = list(entries)
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError:
            # Without the right to list it, git may still open what is in it.
            yield f"{shown} cannot be listed"
            return
        for entry in listed:
            if entry.is_symlink() and not self._is_inside(folder / entry.name):
                yield f"{shown}/{entry.name} is a link out of the folder"
            elif is_folder(entry):
                yield from self._links(folder / entry.name, f"{shown}/{entry.name}")

    def _alternates(self, objects: Path, depth: int) -> Iterator[str]:
        """Yield the folders outside from which git reads more objects. Those inside may name others."""
        file = objects / "info" / "alternates"
        self._note(file)
        try:
            lines = file.read_bytes().split(b"\n")
        except OSError:
            return
        for line in filter(None, lines):
            if line.startswith(b"#"):
                continue
            # Git reads a quoted path with escapes; a plain one needs no quotes.
            other = objects / os.fsdecode(line)
            if line.startswith(b'"') or depth >= _MAX_DEPTH or not self._is_inside(other):
                yield "objects/info/alternates names objects out of the folder"
            else:
                yield from self._links(other, "alternates")
                yield from self._alternates(other, depth + 1)

    def _settings(self, git_dir: Path, name: str) -> Iterator[str]:
        """Yield the settings that make git read files elsewhere."""
        file = git_dir / name
        self._note(file)
        if not file.exists():
            return
        for key, value in _settings(file):
            if key == "include.path" or key.startswith("includeif."):
                yield f"{name} includes another file ({key})"
            elif key in _PATHS and value not in _KNOWN_STORAGES and not self._is_inside(git_dir / value):
                yield f"{key} in {name} is a path out of the folder"

    def _is_inside(self, path: Path) -> bool:
        return Path(os.path.realpath(path)).is_relative_to(self._top)

    def _note(self, path: Path) -> None:
        self.stamps[str(path)] = _stamp(path)


def _stamp(path: str | Path) -> _Stamp | None:
    """Return what changes with a file, or with the entries of a folder. Nobody can set the time of the change."""
    try:
        status = os.stat(path)  # noqa: PTH116 - for hundreds of folders at each call, a Path takes four times as long
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_ctime_ns


def _settings(file: Path) -> list[tuple[str, str]]:
    """Return the keys and values in a file of settings, with keys in lower case; an unreadable file includes itself."""
    command = ["git", "config", "--file", str(file), "--no-includes", "--null", "--list"]
    try:
        done = subprocess.run(  # noqa: S603 - a list, no shell
            command, cwd="/", env=git.environment(), capture_output=True, timeout=_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return [("include.path", "")]
    items = [item.decode(errors="replace").partition("\n") for item in done.stdout.split(b"\0") if item]
    # A path of the home folder is never inside.
    return [(key.lower(), "/" if value.startswith("~") else value) for key, _, value in items]
