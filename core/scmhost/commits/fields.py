"""Rules of single fields: an author's address, a path, file changes. Odd file changes never refuse a release."""

import re
from collections.abc import Iterator
from typing import Any, Final

from .values import ListedChange

MAX_NOTES: Final = 20

_CHANGE_TYPES: Final = ("A", "M", "D")
_NOT_IN_ADDRESS: Final = re.compile(r"[^a-zA-Z0-9\-_.]")
_NOT_STORABLE: Final = re.compile(r"[\x00\ud800-\udfff]")
_MODE_CHANGES: Final = ("{0}* {0}", "{0}* {0} ", "{0}*  {0}", "{0}  {0}*", "{0} {0}*")


class Notes:
    """Collects sentences for the sender. Only the first ones are kept: a payload may give rise to a million."""

    def __init__(self) -> None:
        self._kept: list[str] = []
        self._more = 0

    def add(self, note: str) -> None:
        """Keep a note, or only count it once there are ``MAX_NOTES``."""
        if len(self._kept) < MAX_NOTES:
            self._kept.append(note)
        else:
            self._more += 1

    def all(self) -> tuple[str, ...]:
        """Return the notes, and a last one with the number of those that were not kept."""
        return (*self._kept, f"and {self._more} more") if self._more else tuple(self._kept)


def author_email(email: str | None, name: str | None, max_length: int) -> str | None:
    """Return the address that identifies an author, or None for no author.

    Without an address, the name becomes a local one. A blank address means that there is no author. A longer one than
    ``max_length`` is dropped: cut, it could be the address of someone else.
    """
    if email is None:
        local = _NOT_IN_ADDRESS.sub("", name or "").lower()
        return f"{local}@localhost" if local else None
    address = email.strip().lower()
    return address if 0 < len(address) <= max_length else None


def plain_path(path: str) -> str:
    """Return the path without libgit2's marks, as far as the path itself shows them.

    sentry-cli takes paths from libgit2's list of changes. That writes a ``*`` behind the name of an executable file,
    and a change of mode as the old name and the new one.
    """
    if "*" not in path:
        return path
    # Each form of a mode change has the name twice and two or three characters more.
    name = path[: (len(path) - 2) // 2]
    is_change = name and path in (change.format(name) for change in _MODE_CHANGES)
    return name if is_change else path.removesuffix("*") or path


def file_changes(sha: str, patch_set: Any, max_length: int, notes: Notes) -> tuple[ListedChange, ...]:
    """Return the changes of a commit, one for each path of at most ``max_length`` characters; the first one counts."""
    if patch_set is None:
        return ()
    if not isinstance(patch_set, list):
        notes.add(f"commit {sha}: patch_set is no list; the commit is kept without file changes")
        return ()
    changes: dict[str, ListedChange] = {}
    for change in _read_changes(sha, patch_set, max_length, notes):
        changes.setdefault(change.path, change)
    return tuple(changes.values())


def _read_changes(sha: str, entries: list[Any], max_length: int, notes: Notes) -> Iterator[ListedChange]:
    for entry in entries:
        path = entry.get("path") if isinstance(entry, dict) else None
        if not isinstance(path, str) or not path or _NOT_STORABLE.search(path):
            notes.add(f"commit {sha}: a file change without a usable path was left out")
            continue
        path = plain_path(path)
        if len(path) > max_length:
            notes.add(
                f"commit {sha}: a file change was left out; its path {path[:40]!r}... is longer than {max_length} "
                "characters (limits.path_length)"
            )
            continue
        yield ListedChange(path, _change_type(sha, path, entry.get("type"), notes))


def _change_type(sha: str, path: str, sent: Any, notes: Notes) -> str:
    if sent in _CHANGE_TYPES:
        return str(sent)
    notes.add(f"commit {sha}: {path!r} has the change type {str(sent)[:20]!r}, which is not A, M or D; kept as M")
    return "M"
