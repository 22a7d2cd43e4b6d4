"""Rules of single fields in a payload: authors, paths, file changes, issues in a message, ranges of commits."""

import re
from collections.abc import Iterator
from typing import Any, Final

from scmhost.infra.errors import InvalidInput
from scmhost.infra.settings import Limits

from .values import ListedChange

MAX_NOTES: Final = 20

# Sentry refuses a whole release for any other type. libgit2 also has T for a change of type.
_CHANGE_TYPES: Final = ("A", "M", "D")
# The same characters as on Sentry, so that an author without an address is the same author after a migration.
_NOT_IN_ADDRESS: Final = re.compile(r"[^a-zA-Z0-9\-_.]")
_NOT_STORABLE: Final = re.compile(r"[\x00\ud800-\udfff]")
# All forms that libgit2 writes: the mark follows the old name or the new one, some with a second blank.
_MODE_CHANGES: Final = ("{0}* {0}", "{0}* {0} ", "{0}*  {0}", "{0}  {0}*", "{0} {0}*")

_MARKDOWN_LINK: Final = re.compile(r"\[([^\[\]]++)\]\([^()\s]*+\)")
# The keywords of Sentry. The possessive quantifiers keep the search linear in a hostile message.
_CLAUSE: Final = re.compile(r"\b(?:fix(?:e[sd])?|close[sd]?|resolve[sd]?):?\s++([\w\-,\s]++)", re.IGNORECASE | re.ASCII)
_DOTS: Final = ".."


class InvalidCommits(InvalidInput):
    """An entry of ``commits`` cannot be accepted. The message names the entry."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "commits")


class InvalidRefs(InvalidInput):
    """An entry of ``refs`` cannot be accepted."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "refs")


class Notes:
    """Collects sentences for the sender. Only the first ones are kept, because a payload may cause a million."""

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

    Without an address, the name becomes a local one. A blank address means no author. An address
    that is longer than ``max_length`` is dropped, because its beginning may be the address of someone else.
    """
    if email is None:
        local = _NOT_IN_ADDRESS.sub("", name or "").lower()
        return f"{local}@localhost" if local else None
    address = email.strip().lower()
    return address if 0 < len(address) <= max_length else None


def message_within(sha: str, message: str | None, most: int, notes: Notes) -> str | None:
    """Return the first ``most`` characters of a message. One that is longer is noted."""
    if message is None or len(message) <= most:
        return message
    notes.add(
        f"commit {sha}: the message has {len(message)} characters; its first {most} are kept (limits.message_length)"
    )
    return message[:most]


def changes_within(sha: str, changes: tuple[ListedChange, ...], most: int, notes: Notes) -> tuple[ListedChange, ...]:
    """Return the first ``most`` file changes of a commit. More of them are noted."""
    if len(changes) <= most:
        return changes
    notes.add(
        f"commit {sha}: it has {len(changes)} file changes; the first {most} are kept (limits.changes_per_commit)"
    )
    return changes[:most]


def plain_path(path: str) -> str:
    """Return the path without the marks of libgit2, as far as the path alone shows that they are marks.

    sentry-cli reads paths from the list of changes of libgit2, which writes a ``*`` behind the name of an executable
    file, and a change of mode as the old name and the new one.
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
        notes.add(f"commit {sha}: patch_set is not a list; the commit is kept without file changes")
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


def issue_ids(message: str) -> tuple[str, ...]:
    """Return the ids of the issues that a message resolves, as in ``Fixes SHOP-12, SHOP-13``.

    They are in upper case and in the order of the text, each once. A line break does not end a list.
    """
    text = _MARKDOWN_LINK.sub(r"\1", message) if "](" in message else message
    begin = _first_keyword(text)
    if begin is None:
        return ()
    words = (word for clause in _CLAUSE.findall(text, begin) for word in clause.replace(",", " ").split())
    return tuple(dict.fromkeys(word.upper() for word in words if _is_issue_id(word)))


def read_range(commit: str, limits: Limits) -> tuple[str | None, str]:
    """Return the base, or None, and the head of a ref's commit. ``1a2b..3c4d`` is a range that begins after ``1a2b``.

    Raises:
        InvalidRefs: it is empty, too long, or neither one commit nor two.
    """
    most = limits.sha_length
    if not commit:
        raise InvalidRefs("Commit is empty; send a sha or a range start..end")
    if _DOTS not in commit:
        return None, _within_limit(commit, most, f"Commit too long - max is {most} chars")
    # The texts of Sentry's API, as for refs that are too long: clients print them.
    if commit.startswith(_DOTS) or commit.endswith(_DOTS):
        raise InvalidRefs("Commit cannot begin or end with ..")
    base, _, head = commit.partition(_DOTS)
    # sentry-cli reads git's a...b as a range from "a.". Sentry fails with 500 for a second pair of dots.
    if head.startswith(".") or _DOTS in head:
        raise InvalidRefs("Commit has more than one ..; send start..end")
    too_long = f"Start or end commit too long - max is {most} chars each"
    return _within_limit(base, most, too_long), _within_limit(head, most, too_long)


def _first_keyword(text: str) -> int | None:
    """Return a place at or before the first keyword, or None if the text has no issue."""
    # Most messages have none, and these tests are many times faster than the pattern.
    if "-" not in text:
        return None
    lower = text.lower()
    places = [place for stem in ("fix", "close", "resolve") if (place := lower.find(stem)) >= 0]
    # In lower case some characters are two.
    return (min(places) if len(lower) == len(text) else 0) if places else None


def _is_issue_id(word: str) -> bool:
    project, _, short = word.rpartition("-")
    return bool(project) and short.isalnum()


def _within_limit(commit: str, most: int, too_long: str) -> str:
    if len(commit) > most:
        raise InvalidRefs(f"{too_long} (limits.sha_length)")
    return commit
