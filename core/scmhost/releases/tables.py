"""The tables of releases and deploys."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from scmhost.infra.db.base import _NARROW, Base, ChildMixin, EntityMixin, KeyText, refers_to, table_of


class ReleaseRow(EntityMixin, Base):
    __tablename__ = "releases"
    __table_args__ = (UniqueConstraint("organization_id", "version"), Index(None, "organization_id", "dated_at", "id"))

    # Unique in the organization, not in a project: Sentry's clients share one release between projects.
    version: Mapped[str] = mapped_column(KeyText)
    status: Mapped[str]
    ref: Mapped[str | None]
    url: Mapped[str | None]
    owner: Mapped[str | None]
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    released_at: Mapped[datetime | None]
    # ``released_at``, else ``created_at``. One column, because lists are read in its order from an index.
    dated_at: Mapped[datetime]
    commit_count: Mapped[int]
    # Derived from the commits, for lists; see content_queries.refresh().
    author_ids: Mapped[list[Any]]
    last_commit_id: Mapped[int | None]


class ReleaseProjectRow(ChildMixin, Base):
    __tablename__ = "release_projects"
    __table_args__ = (
        refers_to("releases", "release_id"),
        refers_to("projects", "project_id"),
        Index(None, "organization_id", "project_id"),
        _NARROW,
    )

    release_id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(primary_key=True)


class ReleaseCommitRow(ChildMixin, Base):
    """A commit of a release. Its repository is repeated here, so that the list of a repository can be replaced."""

    __tablename__ = "release_commits"
    __table_args__ = (
        refers_to("releases", "release_id"),
        refers_to("commits", "commit_id"),
        Index(None, "organization_id", "commit_id"),
        _NARROW,
    )

    release_id: Mapped[int] = mapped_column(primary_key=True)
    repository_id: Mapped[int] = mapped_column(primary_key=True)
    # 0 is the newest commit of the repository.
    position: Mapped[int] = mapped_column(primary_key=True)
    commit_id: Mapped[int]


class ReleaseHeadRow(ChildMixin, Base):
    __tablename__ = "release_heads"
    __table_args__ = (
        refers_to("releases", "release_id"),
        refers_to("repositories", "repository_id"),
        Index(None, "organization_id", "repository_id"),
        _NARROW,
    )

    release_id: Mapped[int] = mapped_column(primary_key=True)
    repository_id: Mapped[int] = mapped_column(primary_key=True)
    # Not a reference to a commit: a head may be a tag or a branch.
    sha: Mapped[str]
    previous_sha: Mapped[str | None]
    # What was left out when its commits were fetched.
    note: Mapped[str | None]


class DeployRow(EntityMixin, Base):
    """``request_key`` is equal for a deploy that is sent again. It is null where the sender gave no times."""

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


class DeployProjectRow(ChildMixin, Base):
    __tablename__ = "deploy_projects"
    __table_args__ = (
        refers_to("deploys", "deploy_id"),
        refers_to("projects", "project_id"),
        Index(None, "organization_id", "project_id"),
        _NARROW,
    )

    deploy_id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(primary_key=True)


RELEASES: Final = table_of(ReleaseRow)
RELEASE_PROJECTS: Final = table_of(ReleaseProjectRow)
RELEASE_COMMITS: Final = table_of(ReleaseCommitRow)
RELEASE_HEADS: Final = table_of(ReleaseHeadRow)
DEPLOYS: Final = table_of(DeployRow)
DEPLOY_PROJECTS: Final = table_of(DeployProjectRow)
