"""Find the repositories below a folder by their names. A name never leads out of the folder.

A repository's name is its path below the folder, without the ``.git`` at the end of bare clones. Folders whose names
begin with a dot are skipped. Nothing inside a repository is searched: its files come from its authors, who may have put
another repository among them.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from scmhost.sdk import ProviderError

MAX_FOLDERS: Final = 100_000
"""The most folders that one walk visits."""

MAX_DEPTH: Final = 12
"""The most segments of a name."""

MAX_NAME: Final = 200
"""The most characters of a name: the contract's limit for an offer."""

_SUFFIX: Final = ".git"


class RepositoryFolder(NamedTuple):
    """A repository: its name, its path below the folder, and the directory of git's data."""

    name: str
    path: str
    git_dir: Path


def git_dir_of(folder: Path) -> Path | None:
    """Return the directory of git's data: ``.git`` in a checkout, the folder itself for a bare clone, else None.

    A checkout whose ``.git`` is a file has its data elsewhere, possibly outside of the folder, and is ignored.
    """
    return next((here for here in (folder / _SUFFIX, folder) if _holds_git(here)), None)


def find(top: Path, name: str) -> RepositoryFolder | None:
    """Return the repository with a name, with or without its ``.git``."""
    if not _is_name(name):
        return None
    *above, last = name.split("/")
    folder = top
    for segment in above:
        folder /= segment
        # As in ``walk``: nothing inside of a repository, and no link to another place.
        if folder.is_symlink() or git_dir_of(folder):
            return None
    paths = ("/".join([*above, spelled]) for spelled in (last, last + _SUFFIX))
    return next(filter(None, (_found(top, path) for path in paths)), None)


def walk(top: Path) -> Iterator[RepositoryFolder]:
    """Yield all repositories below a folder, sorted by name.

    Raises:
        ProviderError: there are more than ``MAX_FOLDERS`` folders.
    """
    waiting = [("", _entries(top))]
    for _ in range(MAX_FOLDERS):
        while waiting and not waiting[-1][1]:
            waiting.pop()
        if not waiting:
            return
        above, entries = waiting[-1]
        entry = entries.pop()
        path = f"{above}{entry.name}"
        found = _found(top, path)
        if found:
            yield found
        # A link to a folder above would lead in a circle.
        elif not entry.is_symlink() and path.count("/") + 1 < MAX_DEPTH:
            waiting.append((f"{path}/", _entries(top / path)))
    raise ProviderError(
        f"There are more than {MAX_FOLDERS} folders to look at. A repository may still be added by its path; "
        "to have them listed, the operator gives each organization a folder of its own."
    )


def _found(top: Path, path: str) -> RepositoryFolder | None:
    """Return the repository at a path, unless a symbolic link leads out of the folder."""
    git_dir = git_dir_of(top / path) if _is_name(path) else None
    if git_dir is None or not _is_below(git_dir, top):
        return None
    bare = path.removesuffix(_SUFFIX)
    # If both ``app`` and ``app.git`` exist, the second keeps its full name.
    has_short_name = bare != path and _is_name(bare) and git_dir_of(top / bare) is None
    return RepositoryFolder(bare if has_short_name else path, path, git_dir)


def _is_below(path: Path, top: Path) -> bool:
    """Return whether a path is in a folder after all symbolic links are followed."""
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(top))


def _holds_git(folder: Path) -> bool:
    """Return whether a folder has the files that git requires in its directory; False if it cannot be read."""
    try:
        return (folder / "HEAD").is_file() and (folder / "objects").is_dir() and (folder / "refs").is_dir()
    except OSError:
        return False


def _is_name(name: str) -> bool:
    segments = name.split("/")
    return len(name) <= MAX_NAME and len(segments) <= MAX_DEPTH and all(map(_is_segment, segments))


def _is_segment(segment: str) -> bool:
    # With invisible characters, or blanks at the ends, different names would look the same.
    return segment.isprintable() and segment.strip() == segment != "" and segment[0] != "." and "\\" not in segment


def is_folder(entry: "os.DirEntry[str]") -> bool:
    """Return whether an entry is a folder, or a link to one; False if that cannot be known."""
    try:
        return entry.is_dir()
    except OSError:
        # A link in a circle, or to where this process may not look.
        return False


def _entries(folder: Path) -> list["os.DirEntry[str]"]:
    """Return the folders in a folder whose names are valid, in reverse order; none if it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            listed = [entry for entry in entries if _is_segment(entry.name) and is_folder(entry)]
    except PermissionError:
        return []
    return sorted(listed, key=lambda entry: entry.name, reverse=True)
