"""File changes of a commit. One odd entry is read as well as can be, and noted; it never refuses a release."""

from collections.abc import Iterator
from typing import Any, Final

from .notes import Notes
from .paths import plain_path
from .text import is_storable
from .values import ListedChange

_KNOWN: Final = ("A", "M", "D")


def file_changes(sha: str, patch_set: Any, longest: int, notes: Notes) -> tuple[ListedChange, ...]:
    """The changes of a commit, one for each path of at most so many characters; the first entry for a path stands."""
    if patch_set is None:
        return ()
    if not isinstance(patch_set, list):
        notes.add(f"commit {sha}: patch_set is no list; the commit is kept without file changes")
        return ()
    changes: dict[str, ListedChange] = {}
    for change in _changes(sha, patch_set, longest, notes):
        changes.setdefault(change.path, change)
    return tuple(changes.values())


def _changes(sha: str, entries: list[Any], longest: int, notes: Notes) -> Iterator[ListedChange]:
    for entry in entries:
        path = _path(entry)
        if path is None:
            notes.add(f"commit {sha}: a file change without a usable path was left out")
        elif len(path) > longest:
            notes.add(
                f"commit {sha}: a file change was left out; its path {path[:40]!r}... is longer than {longest} "
                "characters (limits.path_length)"
            )
        else:
            yield ListedChange(path, _type(sha, path, entry.get("type"), notes))


def _path(entry: Any) -> str | None:
    path = entry.get("path") if isinstance(entry, dict) else None
    return plain_path(path) if isinstance(path, str) and path and is_storable(path) else None


def _type(sha: str, path: str, told: Any, notes: Notes) -> str:
    if told in _KNOWN:
        return str(told)
    notes.add(f"commit {sha}: {path!r} has the change type {str(told)[:20]!r}, which is not A, M or D; kept as M")
    return "M"
