"""The tables of commits, their authors and file changes."""

from datetime import datetime
from typing import Final

from sqlalchemy import BigInteger, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from scmhost.infra.db.base import _NARROW, Base, ChildMixin, EntityMixin, KeyText, refers_to, table_of


class AuthorRow(EntityMixin, Base):
    __tablename__ = "authors"
    __table_args__ = (UniqueConstraint("organization_id", "email"), _NARROW)

    email: Mapped[str] = mapped_column(KeyText)
    name: Mapped[str | None]


class CommitRow(ChildMixin, Base):
    """A commit.

    ``dated`` is false while ``committed_at`` is only the time at which the commit arrived. ``issue_ids`` are the
    issues that the message resolves, with blanks between them.
    """

    __tablename__ = "commits"
    __table_args__ = (
        refers_to("repositories", "repository_id"),
        # No cascade: an author is never deleted while commits refer to it.
        refers_to("authors", "author_id", ondelete=None),
        UniqueConstraint("organization_id", "repository_id", "sha"),
        Index(None, "organization_id", "repository_id", "committed_at", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    repository_id: Mapped[int]
    # A generated id is the key, so that rows are appended, and only this index has random keys.
    sha: Mapped[str] = mapped_column(KeyText)
    message: Mapped[str | None]
    author_id: Mapped[int | None]
    committed_at: Mapped[datetime]
    dated: Mapped[bool]
    issue_ids: Mapped[str | None]


class FileChangeRow(ChildMixin, Base):
    """A change of a file by a commit. A hash is the key, because paths may be too long for an index."""

    __tablename__ = "file_changes"
    __table_args__ = (refers_to("commits", "commit_id"), _NARROW)

    commit_id: Mapped[int] = mapped_column(primary_key=True)
    path_hash: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    path: Mapped[str]
    type: Mapped[str]


AUTHORS: Final = table_of(AuthorRow)
COMMITS: Final = table_of(CommitRow)
FILE_CHANGES: Final = table_of(FileChangeRow)
