"""Commits to save, and commits as stored: values, never rows."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from msgspec import Struct, field

from scmhost.sdk import FileChange

# A payload lists up to ten thousand commits, and a release has hundreds of authors. msgspec's structs are the lightest
# values that Python has.


class ListedChange(Struct, frozen=True, gc=False):
    """A changed path. The type is ``A`` (added), ``M`` (modified) or ``D`` (deleted)."""

    path: str
    type: str


class ListedCommit(Struct, gc=False):
    """A commit to save. Where a field has another name in payloads, ``field`` gives it.

    Attributes:
        sha: its id.
        repository: the name of its repository, if the sender gave one.
        message: its message.
        author_name: its author's name.
        author_email: its author's address in lower case; without one the commit has no author.
        timestamp: its time.
        changes: its file changes; of two for one path the first counts.
    """

    sha: str = field(name="id")
    repository: str | None = None
    message: str | None = None
    author_name: str | None = None
    author_email: str | None = None
    timestamp: datetime | None = None
    changes: tuple[ListedChange, ...] = field(name="patch_set", default=())


class Author(Struct, frozen=True, gc=False):
    """The author of a commit. The address is in lower case."""

    id: int
    name: str | None
    email: str


@dataclass(frozen=True, slots=True)
class StoredCommit:
    """A commit as stored. ``changes`` is empty unless the query reads it."""

    id: int
    organization_id: int
    repository_id: int
    sha: str
    message: str | None
    author: Author | None
    committed_at: datetime
    issue_ids: tuple[str, ...] = ()
    changes: tuple[FileChange, ...] = ()


@dataclass(frozen=True, slots=True)
class SavedCommits:
    """The result of saving commits.

    Attributes:
        new: the shas that are new.
        known: the number of those that were stored before.
        new_ids: the ids of the new ones, by sha.
        authors: the authors of the new ones by address, each with its id and name.
        newest: the time of the newest new one, its place among them as a number below 0 or 0, and its id.
    """

    new: tuple[str, ...]
    known: int
    new_ids: Mapping[str, int] = dataclasses.field(default_factory=dict, compare=False)
    authors: Mapping[str, tuple[int, str | None]] = dataclasses.field(default_factory=dict, compare=False)
    newest: tuple[datetime, int, int] | None = dataclasses.field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """A file that a commit of a release changed."""

    commit: StoredCommit
    change: FileChange


@dataclass(frozen=True, slots=True)
class ReleaseSummary:
    """A release in the list of a commit's releases."""

    id: int
    version: str
    status: str
    ref: str | None
    url: str | None
    created_at: datetime
    released_at: datetime | None
