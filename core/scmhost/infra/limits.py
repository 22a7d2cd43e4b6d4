"""Limits of requests, answers, jobs and the database. The defaults are those of Sentry's API where it has one."""

from collections.abc import Mapping
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from .errors import InvalidInput

RowKind = Literal["projects", "installations", "repositories", "commits", "file_changes", "releases", "code_mappings"]
"""The kinds of rows that have a quota: the names of their tables."""

ROWS: Final[Mapping[RowKind, str]] = {
    "projects": "projects",
    "installations": "installations",
    "repositories": "repositories",
    "commits": "commits",
    "file_changes": "changed files of commits",
    "releases": "releases",
    "code_mappings": "code mappings",
}
"""The same in words."""


class Quota(BaseModel):
    """What one organization may use."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    projects: int = Field(default=10_000, ge=1, description="Most projects.")
    installations: int = Field(default=1_000, ge=1, description="Most installations of providers.")
    repositories: int = Field(default=200_000, ge=1, description="Most repositories.")
    commits: int = Field(default=50_000_000, ge=1, description="Most commits.")
    file_changes: int = Field(default=500_000_000, ge=1, description="Most changed files of all commits.")
    releases: int = Field(default=1_000_000, ge=1, description="Most releases.")
    code_mappings: int = Field(default=1_000_000, ge=1, description="Most code mappings of all projects.")
    trace_seconds_per_hour: int = Field(
        default=1_800, ge=1, description="Most seconds of processor time for traces in an hour, in each worker."
    )

    def rows(self, kind: RowKind) -> int:
        """Return how many rows of a kind there may be."""
        most: int = getattr(self, kind)
        return most


class OwnQuota(Quota):
    """``[limits.quotas.organizations.SLUG]``: exceptions for one organization."""

    organization_requests_per_minute: int | None = Field(
        default=None, ge=1, description="As the key of `[limits]`, for this organization."
    )


class Quotas(Quota):
    """``[limits.quotas]``: what each organization may use, and exceptions."""

    organizations: Mapping[str, OwnQuota] = Field(
        default_factory=dict,
        description="Exceptions by the slug of an organization: these keys, and `organization_requests_per_minute`.",
    )

    def __hash__(self) -> int:
        # A mapping has none, and decoders are kept by the limits. Equality still compares everything.
        return hash((self.commits, *self.organizations))


class Limits(BaseModel):
    """Limits of a running service, in plugins.toml under ``[limits]``."""

    # A misspelt limit is an error, because the operator would believe that it is set.
    model_config = ConfigDict(extra="forbid", frozen=True)

    body_bytes: int = Field(default=8 * 1024 * 1024, ge=1024, description="Largest request body, in bytes.")
    body_seconds: int = Field(default=60, ge=1, description="Longest time that a request body may take to arrive.")
    header_bytes: int = Field(
        default=65_536, ge=1024, description="Longest head of a request: its address and headers, in bytes."
    )
    headers: int = Field(default=100, ge=10, description="Most headers of a request.")
    header_seconds: int = Field(
        default=10, ge=1, description="Longest time that the head of a request may take to arrive."
    )
    idle_seconds: int = Field(
        default=5, ge=1, description="Longest time that a connection stays open without a request."
    )
    answer_seconds: int = Field(
        default=60, ge=1, description="Longest time in which a client reads nothing of its answer."
    )
    connections: int = Field(default=1_000, ge=1, description="Most open connections of each worker.")
    commits_per_request: int = Field(default=10_000, ge=1, description="Most commits in one request.")
    repositories_per_request: int = Field(
        default=500, ge=1, description="Most repositories that the commits of one request may name."
    )
    message_length: int = Field(
        default=16_384,
        ge=1,
        description="Longest message of a commit, in characters; the end of a longer one is cut, with a note.",
    )
    changes_per_commit: int = Field(
        default=10_000, ge=1, description="Most file changes of a commit; the others are left out, with a note."
    )
    # 64: SHA-256, the longest ids of git.
    sha_length: int = Field(default=64, ge=1, le=64, description="Longest commit id.")
    repository_name_length: int = Field(default=200, ge=1, le=200, description="Longest repository name in a commit.")
    author_name_length: int = Field(default=128, ge=1, le=255, description="Longest author name.")
    author_email_length: int = Field(
        default=200,
        ge=1,
        le=254,
        description="Longest e-mail address of a commit's author; with a longer one the commit has no author.",
    )
    path_length: int = Field(
        default=510, ge=1, le=4096, description="Longest path of a changed file; a longer one is omitted, with a note."
    )
    page_size: int = Field(default=100, ge=1, le=1000, description="Most objects on one page.")
    version_length: int = Field(default=200, ge=1, le=200, description="Longest version of a release.")
    ref_length: int = Field(default=200, ge=1, description="Longest `ref` of a release.")
    refs_per_request: int = Field(default=1_000, ge=1, description="Most refs in one request.")
    projects_per_request: int = Field(default=1_000, ge=1, description="Most different projects in one request.")
    environment_length: int = Field(default=64, ge=1, description="Longest environment of a deploy.")
    deploy_name_length: int = Field(default=64, ge=1, description="Longest name of a deploy.")
    mappings_per_request: int = Field(default=300, ge=1, description="Most code mappings in one request.")
    mappings_per_project: int = Field(default=100_000, ge=1, description="Most code mappings of a project.")
    offers: int = Field(default=1_000, ge=1, description="Most repositories that a provider may offer at once.")
    job_seconds: int = Field(
        default=60, ge=1, description="Longest time that a job may take; after it another worker takes the job."
    )
    requests_per_minute: int = Field(
        default=60_000, ge=1, description="Most requests of one token in a minute, in each worker."
    )
    organization_requests_per_minute: int = Field(
        default=120_000, ge=1, description="Most requests of an organization's tokens in a minute, in each worker."
    )
    redirects_per_minute: int = Field(
        default=600, ge=1, description="Most redirects of one key in a minute, in each worker."
    )
    sign_ins_per_minute: int = Field(
        default=20, ge=1, description="Most attempts to sign in from one address in a minute, in each worker."
    )
    request_threads: int = Field(
        default=40, ge=1, le=1_000, description="Most requests that one worker answers at the same time."
    )
    trace_characters: int = Field(default=1024 * 1024, ge=1024, description="Longest stack trace, in characters.")
    trace_frames: int = Field(default=10_000, ge=1, description="Most frames of one trace.")
    explained_frames: int = Field(default=50, ge=1, description="Most frames in a request for an explanation.")
    explained_mappings: int = Field(
        default=100, ge=1, description="Most code mappings without a match in an explanation."
    )
    file_checks_per_request: int = Field(
        default=200, ge=1, description="Most files that a request checks on code hosts; other files count as unknown."
    )
    context_frames: int = Field(
        default=100, ge=1, description="Most frames of a request that get source lines from code hosts."
    )
    derived_from_files: int = Field(
        default=500, ge=1, description="Most files with the same name that are compared with a frame."
    )

    quotas: Quotas = Field(default=Quotas(), description="What each organization may use, below.")

    def check(self, limit: str, size: int, field: str | None = None) -> None:
        """Check a size against the limit with this name.

        Raises:
            InvalidInput: the size is over the limit.
        """
        most = getattr(self, limit)
        if size > most:
            raise InvalidInput(f"{size} is over the limit of {most} (limits.{limit}).", field)


class DatabaseSettings(BaseModel):
    """``[database]`` of plugins.toml: connections, and how long they wait.

    With the defaults, a request that cannot be served because of the database is refused within five seconds.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    pool_size: int = Field(
        default=30,
        ge=2,
        le=1_000,
        description="Most connections of each worker to PostgreSQL; a third of them stay open.",
    )
    pool_seconds: float = Field(
        default=1.5, gt=0, le=60, description="Longest wait for a free connection of the worker, in seconds."
    )
    connect_seconds: int = Field(
        default=2, ge=2, le=60, description="Longest time that PostgreSQL may take to open a connection, in seconds."
    )
    lock_seconds: float = Field(
        default=3.0,
        gt=0,
        le=600,
        description="Longest wait for a lock: of PostgreSQL, or for another writer of SQLite; in seconds.",
    )
    statement_seconds: float = Field(
        default=30.0, gt=0, le=3_600, description="Longest statement of a request on PostgreSQL, in seconds."
    )
    long_statement_seconds: float = Field(
        default=3_600.0,
        gt=0,
        le=86_400,
        description="Longest statement of migrations, exports, jobs and deletions on PostgreSQL, in seconds.",
    )


DEFAULT_DATABASE: Final = DatabaseSettings()
