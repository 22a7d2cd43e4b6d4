"""Commits and authors as they are stored: frozen values, never rows."""

from dataclasses import dataclass
from datetime import datetime

from scmhost.sdk import FileChange


@dataclass(frozen=True, slots=True)
class Author:
    """Who wrote a commit. E-mail addresses are kept in lower case."""

    id: int
    name: str | None
    email: str


@dataclass(frozen=True, slots=True)
class StoredCommit:
    """A commit as stored. ``changes`` is filled only where it was asked for."""

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
    """What saving a list of commits did. ``new`` are the shas not known before."""

    new: tuple[str, ...]
    known: int


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """A file that a commit of a release changed."""

    commit: StoredCommit
    change: FileChange


@dataclass(frozen=True, slots=True)
class ReleaseSummary:
    """A release as it is named beside a commit."""

    id: int
    version: str
    status: str
    ref: str | None
    url: str | None
    created_at: datetime
    released_at: datetime | None
