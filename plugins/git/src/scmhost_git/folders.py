"""Which repositories lie below a folder, and by what names. A name never leads out of the folder.

A repository's name is its path below the folder, without the ``.git`` that bare clones end in by custom. Folders
whose names begin with a dot are left out; nothing inside a repository is looked at, because its files are other
people's, and they may have put a repository among them.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from scmhost.sdk import ProviderError

MOST_FOLDERS: Final = 100_000
"""How many folders one walk looks at."""

DEEPEST: Final = 12
"""How many segments a name may have."""

LONGEST_NAME: Final = 200
"""How many characters a name may have: as many as the contract lets an offer have."""

_SUFFIX: Final = ".git"


class Found(NamedTuple):
    """A repository: its name, its path below the folder, and where git keeps its data."""

    name: str
    path: str
    git_dir: Path


def git_dir_of(folder: Path) -> Path | None:
    """Where git keeps the data of the repository in a folder: in ``.git`` of a checkout, in a bare one itself.

    A checkout whose ``.git`` is a file has its data elsewhere, and is none of ours.
    """
    return next((here for here in (folder / _SUFFIX, folder) if _holds_git(here)), None)


def find(top: Path, name: str) -> Found | None:
    """The repository of a name, with or without its ``.git``."""
    if not _is_name(name):
        return None
    *above, last = name.split("/")
    folder = top
    for segment in above:
        folder /= segment
        if folder.is_symlink() or git_dir_of(folder):
            return None
    paths = ("/".join([*above, spelled]) for spelled in (last, last + _SUFFIX))
    return next(filter(None, (_found(top, path) for path in paths)), None)


def walk(top: Path) -> Iterator[Found]:
    """All repositories below a folder, by name.

    Raises:
        ProviderError: there are more than ``MOST_FOLDERS`` folders.
    """
    waiting = [("", _entries(top))]
    for _ in range(MOST_FOLDERS):
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
        elif not entry.is_symlink() and path.count("/") + 1 < DEEPEST:
            waiting.append((f"{path}/", _entries(top / path)))
    raise ProviderError(
        f"There are more than {MOST_FOLDERS} folders to look at. A repository may still be added by its path; "
        "to have them listed, the operator gives each organization a folder of its own."
    )


def _found(top: Path, path: str) -> Found | None:
    """The repository at a path, unless a symbolic link leads out of the folder."""
    git_dir = git_dir_of(top / path) if _is_name(path) else None
    if git_dir is None or not _is_below(git_dir, top):
        return None
    bare = path.removesuffix(_SUFFIX)
    # Of ``app`` and ``app.git`` side by side, the second keeps its whole name.
    is_alone = bare != path and _is_name(bare) and git_dir_of(top / bare) is None
    return Found(bare if is_alone else path, path, git_dir)


def _is_below(path: Path, top: Path) -> bool:
    """Whether a path is in a folder once all symbolic links are followed."""
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(top))


def _holds_git(folder: Path) -> bool:
    """Whether a folder has what git looks for in one of its own. What may not be looked at is no repository for us."""
    try:
        return (folder / "HEAD").is_file() and (folder / "objects").is_dir() and (folder / "refs").is_dir()
    except OSError:
        return False


def _is_name(name: str) -> bool:
    segments = name.split("/")
    return len(name) <= LONGEST_NAME and len(segments) <= DEEPEST and all(map(_is_segment, segments))


def _is_segment(segment: str) -> bool:
    return segment.isprintable() and segment.strip() == segment != "" and segment[0] != "." and "\\" not in segment


def _entries(folder: Path) -> list["os.DirEntry[str]"]:
    """The folders in a folder that may have a name, the last one first. One that may not be read has none."""
    try:
        with os.scandir(folder) as entries:
            listed = [entry for entry in entries if _is_segment(entry.name) and entry.is_dir()]
    except PermissionError:
        return []
    return sorted(listed, key=lambda entry: entry.name, reverse=True)
