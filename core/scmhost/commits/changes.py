"""File changes of a commit. One odd entry is read as well as can be, and noted; it never refuses a release."""

from collections.abc import Iterator
from typing import Any, Final

from scmhost.sdk import FileChange

from .notes import Notes
from .text import is_storable

MAX_PATH: Final = 4096
_KNOWN: Final = ("A", "M", "D")


def file_changes(sha: str, patch_set: Any, notes: Notes) -> tuple[FileChange, ...]:
    """The changes of a commit, one for each path; the first entry for a path stands."""
    if patch_set is None:
        return ()
    if not isinstance(patch_set, list):
        notes.add(f"commit {sha}: patch_set is no list; the commit is kept without file changes")
        return ()
    changes: dict[str, FileChange] = {}
    for change in _changes(sha, patch_set, notes):
        changes.setdefault(change.path, change)
    return tuple(changes.values())


def _changes(sha: str, entries: list[Any], notes: Notes) -> Iterator[FileChange]:
    for entry in entries:
        path = entry.get("path") if isinstance(entry, dict) else None
        if not isinstance(path, str) or not 0 < len(path) <= MAX_PATH or not is_storable(path):
            notes.add(f"commit {sha}: a file change without a usable path was left out")
            continue
        kind = entry.get("type")
        if kind not in _KNOWN:
            notes.add(
                f"commit {sha}: {path!r} has the change type {str(kind)[:20]!r}, which is not A, M or D; kept as M"
            )
            kind = "M"
        yield FileChange(path=path, type=kind)
