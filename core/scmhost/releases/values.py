"""Releases and deploys as they are stored."""

from dataclasses import dataclass
from datetime import datetime

from scmhost.organizations.queries import Project


@dataclass(frozen=True, slots=True)
class ReleaseDraft:
    """What a caller says about a release. None leaves the stored value as it is."""

    ref: str | None = None
    url: str | None = None
    released_at: datetime | None = None
    started_at: datetime | None = None
    status: str | None = None
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Release:
    """A version of one or more projects' code."""

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
    """What a caller says about a deploy. Without an end it ended when it was told."""

    environment: str
    name: str | None = None
    url: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Deploy:
    """A release that came to run in an environment."""

    id: int
    release_id: int
    environment: str
    name: str | None
    url: str | None
    started_at: datetime | None
    finished_at: datetime


@dataclass(frozen=True, slots=True)
class Deploys:
    """How often a release was deployed, and the last time."""

    count: int
    last: Deploy


@dataclass(frozen=True, slots=True)
class Head:
    """A repository's sha in a release, possibly with the sha of the release before."""

    repository_id: int
    sha: str
    previous_sha: str | None
