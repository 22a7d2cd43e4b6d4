"""Releases and deploys as they are stored."""

from dataclasses import dataclass
from datetime import datetime

from scmhost.organizations.queries import Project


@dataclass(frozen=True, slots=True)
class ReleaseDraft:
    """Fields of a release to set. None keeps the stored value."""

    ref: str | None = None
    url: str | None = None
    released_at: datetime | None = None
    started_at: datetime | None = None
    status: str | None = None
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Release:
    """A version of the code of one or more projects."""

    id: int
    organization_id: int
    version: str
    status: str
    ref: str | None
    url: str | None
    owner: str | None
    created_at: datetime
    started_at: datetime | None
    released_at: datetime | None
    projects: tuple[Project, ...]
    commit_count: int
    author_ids: tuple[int, ...]
    last_commit_id: int | None


@dataclass(frozen=True, slots=True)
class DeployDraft:
    """A deploy to record. Without an end it ends at the time of the request."""

    environment: str
    name: str | None = None
    url: str | None = None
    # Clients send null for a time that was not given.
    started_at: datetime | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Deploy:
    """A release that was installed in an environment."""

    id: int
    release_id: int
    environment: str
    name: str | None
    url: str | None
    started_at: datetime | None
    finished_at: datetime


@dataclass(frozen=True, slots=True)
class Deploys:
    """The number of a release's deploys, and the last one."""

    count: int
    last: Deploy


@dataclass(frozen=True, slots=True)
class Head:
    """The sha of a repository in a release, and the sha of the release before if a ref named it.

    The sha may be a tag or a branch until its commits are fetched. ``note`` is what was left out then.
    """

    repository_id: int
    sha: str
    previous_sha: str | None
    note: str | None = None
