"""What the store gives back: frozen values, never rows."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from scmhost.mapping import Evidence
from scmhost.sdk import CommitDraft, FileChange, Installation, JsonObject, Organization, Repository
from scmhost.sdk.confidence import Confidence

__all__ = [
    "Actor",
    "ActorKind",
    "AuditEntry",
    "Author",
    "ChangedFile",
    "CodeMapping",
    "CommitDraft",
    "Deploy",
    "DeployDraft",
    "Deploys",
    "FileChange",
    "Head",
    "Installation",
    "Job",
    "KnownFile",
    "MappingDraft",
    "Organization",
    "Project",
    "Release",
    "ReleaseDraft",
    "ReleaseSummary",
    "Repository",
    "SavedCommits",
    "StoredCommit",
    "StoredInstallation",
    "Token",
    "WebhookSecret",
]


ActorKind = Literal["token", "user", "file", "system"]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who changes something: a token, a user of the host's machine, whoever wrote a file, or scmhost itself."""

    kind: ActorKind
    name: str
    id: int | None = None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who changed what, and when. Without an organization it is of the host as a whole."""

    id: int
    organization_id: int | None
    created_at: datetime
    actor: Actor
    action: str
    target: str
    target_id: int | None
    details: JsonObject


@dataclass(frozen=True, slots=True)
class Project:
    """A deployable thing of an organization. ``mappings_version`` rises with every change of its code mappings."""

    id: int
    organization_id: int
    slug: str
    name: str
    platform: str | None
    mappings_version: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Token:
    """An access token. The secret itself is not stored; ``hint`` is its last four characters."""

    id: int
    organization_id: int
    name: str
    hint: str
    scopes: frozenset[str]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class StoredInstallation:
    """An installation as the plugin sees it, with what only the host needs."""

    installation: Installation
    created_at: datetime


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
class CodeMapping:
    """Stack root to source root, for one project and one repository.

    Attributes:
        generated: whether a machine made it; then ``confidence`` and ``derived_from`` say how sure it is, and what
            told it.
    """

    id: int
    organization_id: int
    project_id: int
    repository_id: int
    stack_root: str
    source_root: str
    default_branch: str | None
    generated: bool
    created_at: datetime
    confidence: Confidence | None = None
    derived_from: tuple[Evidence, ...] = ()

    @property
    def catches_all(self) -> bool:
        """Whether it is derived and does not tell which frames are the project's: it leads to listed files only."""
        return self.generated and not self.stack_root


@dataclass(frozen=True, slots=True)
class MappingDraft:
    """A code mapping to be saved."""

    project_id: int
    repository_id: int
    stack_root: str
    source_root: str
    default_branch: str | None
    generated: bool = False
    confidence: Confidence | None = None
    derived_from: tuple[Evidence, ...] = ()


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
class ReleaseSummary:
    """A release as it is named beside a commit."""

    id: int
    version: str
    status: str
    ref: str | None
    url: str | None
    created_at: datetime
    released_at: datetime | None


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
class ChangedFile:
    """A file that a commit of a release changed."""

    commit: StoredCommit
    change: FileChange


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A file of a repository that commits named: whether the newest of them deleted it, and that commit's sha."""

    repository_id: int
    path: str
    deleted: bool
    sha: str


@dataclass(frozen=True, slots=True)
class Job:
    """Work that is done later. ``fault`` says what went wrong the last time; a failed job is not tried again."""

    id: int
    organization_id: int
    kind: str
    key: str
    payload: JsonObject
    failed: bool
    attempts: int
    fault: str | None


@dataclass(frozen=True, slots=True)
class WebhookSecret:
    """A secret by which an installation's deliveries are known to be genuine, until it expires."""

    id: int
    organization_id: int
    installation_id: int
    created_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Head:
    """A repository's sha in a release, possibly with the sha of the release before."""

    repository_id: int
    sha: str
    previous_sha: str | None
