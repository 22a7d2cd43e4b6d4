"""The tables of commits and releases: many narrow rows, written in bulk."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import BigInteger, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from .columns import KeyText
from .tables import Base, Owned, refers_to

# Narrow rows live in their key's tree; wide ones, with messages in them, would make that tree slow.
_NARROW: Final = {"sqlite_with_rowid": False}


class Inner:
    """A row below one that stands under the organization."""

    organization_id: Mapped[int] = mapped_column(primary_key=True, sort_order=-1)


class AuthorRow(Owned, Base):
    __tablename__ = "authors"
    __table_args__ = (UniqueConstraint("organization_id", "email"), _NARROW)

    email: Mapped[str] = mapped_column(KeyText)
    name: Mapped[str | None]


class CommitRow(Inner, Base):
    """``dated`` says whether ``committed_at`` was told, or is only the time at which the commit arrived.

    ``issue_ids`` are the issues that the message says it resolves, with blanks between them.
    """

    __tablename__ = "commits"
    __table_args__ = (
        refers_to("repositories", "repository_id"),
        refers_to("authors", "author_id", ondelete=None),
        UniqueConstraint("organization_id", "repository_id", "sha"),
        Index(None, "organization_id", "repository_id", "committed_at", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    repository_id: Mapped[int]
    sha: Mapped[str] = mapped_column(KeyText)
    message: Mapped[str | None]
    author_id: Mapped[int | None]
    committed_at: Mapped[datetime]
    dated: Mapped[bool]
    issue_ids: Mapped[str | None]


class FileChangeRow(Inner, Base):
    """Keyed by a hash: a path may be longer than an index takes."""

    __tablename__ = "file_changes"
    __table_args__ = (refers_to("commits", "commit_id"), _NARROW)

    commit_id: Mapped[int] = mapped_column(primary_key=True)
    path_hash: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    path: Mapped[str]
    type: Mapped[str]


class KnownFileRow(Inner, Base):
    """A path that commits of a repository named: what the newest of them did, whichever came in first.

    If the rows lived in their key's tree, SQLite would walk that rather than look names up in their index.
    """

    __tablename__ = "known_files"
    __table_args__ = (refers_to("repositories", "repository_id"), Index(None, "organization_id", "name"))

    repository_id: Mapped[int] = mapped_column(primary_key=True)
    path_hash: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    name: Mapped[str] = mapped_column(KeyText)
    path: Mapped[str]
    deleted: Mapped[bool]
    commit_id: Mapped[int]
    changed_at: Mapped[datetime]


class ReleaseRow(Owned, Base):
    __tablename__ = "releases"
    __table_args__ = (UniqueConstraint("organization_id", "version"),)

    version: Mapped[str] = mapped_column(KeyText)
    status: Mapped[str]
    ref: Mapped[str | None]
    url: Mapped[str | None]
    owner: Mapped[str | None]
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    released_at: Mapped[datetime | None]
    commit_count: Mapped[int]
    author_ids: Mapped[list[Any]]
    last_commit_id: Mapped[int | None]


class ReleaseProjectRow(Inner, Base):
    __tablename__ = "release_projects"
    __table_args__ = (
        refers_to("releases", "release_id"),
        refers_to("projects", "project_id"),
        Index(None, "organization_id", "project_id"),
        _NARROW,
    )

    release_id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(primary_key=True)


class ReleaseCommitRow(Inner, Base):
    """A commit of a release. The repository is the commit's own, kept here so that its list can be replaced."""

    __tablename__ = "release_commits"
    __table_args__ = (
        refers_to("releases", "release_id"),
        refers_to("commits", "commit_id"),
        Index(None, "organization_id", "commit_id"),
        _NARROW,
    )

    release_id: Mapped[int] = mapped_column(primary_key=True)
    repository_id: Mapped[int] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    commit_id: Mapped[int]


class ReleaseHeadRow(Inner, Base):
    __tablename__ = "release_heads"
    __table_args__ = (
        refers_to("releases", "release_id"),
        refers_to("repositories", "repository_id"),
        Index(None, "organization_id", "repository_id"),
        _NARROW,
    )

    release_id: Mapped[int] = mapped_column(primary_key=True)
    repository_id: Mapped[int] = mapped_column(primary_key=True)
    sha: Mapped[str]
    previous_sha: Mapped[str | None]


class DeployRow(Owned, Base):
    """``request_key`` tells a deploy that is sent again from a new one; without times sent there is none."""

    __tablename__ = "deploys"
    __table_args__ = (
        refers_to("releases", "release_id"),
        UniqueConstraint("organization_id", "release_id", "request_key"),
        Index(None, "organization_id", "release_id", "finished_at", "id"),
    )

    release_id: Mapped[int]
    request_key: Mapped[str | None] = mapped_column(KeyText)
    environment: Mapped[str]
    name: Mapped[str | None]
    url: Mapped[str | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime]


class DeployProjectRow(Inner, Base):
    __tablename__ = "deploy_projects"
    __table_args__ = (
        refers_to("deploys", "deploy_id"),
        refers_to("projects", "project_id"),
        Index(None, "organization_id", "project_id"),
        _NARROW,
    )

    deploy_id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(primary_key=True)
