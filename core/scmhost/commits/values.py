"""Commits to be saved. A payload has up to ten thousand, so that each is as light as possible."""

from datetime import datetime

from msgspec import Struct, field

from scmhost.sdk import CommitDraft


class ListedChange(Struct, frozen=True, gc=False):
    """A changed path: added, modified or deleted."""

    path: str
    type: str


class ListedCommit(Struct, gc=False):
    """A commit in the form in which it is saved. Its names on the wire are given where they differ.

    Attributes:
        sha: its id.
        repository: the name of its repository, if the sender gave one.
        message: its message.
        author_name: its author's name.
        author_email: its author's address in lower case; without one there is no author.
        timestamp: its time.
        changes: its file changes; of two entries for one path the first counts.
    """

    sha: str = field(name="id")
    repository: str | None = None
    message: str | None = None
    author_name: str | None = None
    author_email: str | None = None
    timestamp: datetime | None = None
    changes: tuple[ListedChange, ...] = field(name="patch_set", default=())


def listed(commit: CommitDraft | ListedCommit) -> ListedCommit:
    """Return a commit in the form in which it is saved."""
    if isinstance(commit, ListedCommit):
        return commit
    return ListedCommit(
        sha=commit.sha,
        message=commit.message,
        author_name=commit.author_name,
        author_email=(commit.author_email or "").strip().lower() or None,
        timestamp=commit.timestamp,
        changes=tuple(ListedChange(change.path, change.type) for change in commit.changes),
    )
