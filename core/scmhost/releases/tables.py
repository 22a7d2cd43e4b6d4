"""The tables of releases and deploys."""

from typing import Final

from sqlalchemy import JSON, Column, Index, UniqueConstraint

from scmhost.infra.db.base import (
    NARROW,
    Id,
    KeyText,
    LongText,
    UtcDateTime,
    child_key,
    entity_key,
    optional,
    refers_to,
    required,
    table,
)

RELEASES: Final = table(
    "releases",
    *entity_key(),
    # Unique in the organization, not in a project: Sentry's clients share one release between projects.
    required("version", KeyText),
    required("status", LongText),
    optional("ref", LongText),
    optional("url", LongText),
    optional("owner", LongText),
    required("created_at", UtcDateTime),
    optional("started_at", UtcDateTime),
    optional("released_at", UtcDateTime),
    # ``released_at``, else ``created_at``. One column, because lists are read in its order from an index.
    required("dated_at", UtcDateTime),
    required("commit_count", Id),
    # Derived from the commits, for lists; see content_queries.refresh().
    required("author_ids", JSON),
    optional("last_commit_id", Id),
    UniqueConstraint("organization_id", "version"),
    Index(None, "organization_id", "dated_at", "id"),
)

RELEASE_PROJECTS: Final = table(
    "release_projects",
    child_key(),
    Column("release_id", Id, primary_key=True),
    Column("project_id", Id, primary_key=True),
    refers_to("releases", "release_id"),
    refers_to("projects", "project_id"),
    Index(None, "organization_id", "project_id"),
    **NARROW,
)

RELEASE_COMMITS: Final = table(
    "release_commits",
    child_key(),
    Column("release_id", Id, primary_key=True),
    Column("repository_id", Id, primary_key=True),
    # 0 is the newest commit of the repository.
    Column("position", Id, primary_key=True),
    required("commit_id", Id),
    refers_to("releases", "release_id"),
    refers_to("commits", "commit_id"),
    Index(None, "organization_id", "commit_id"),
    **NARROW,
)
"""A commit of a release. Its repository is repeated here, so that the list of a repository can be replaced."""

RELEASE_HEADS: Final = table(
    "release_heads",
    child_key(),
    Column("release_id", Id, primary_key=True),
    Column("repository_id", Id, primary_key=True),
    # Not a reference to a commit: a head may be a tag or a branch.
    required("sha", LongText),
    optional("previous_sha", LongText),
    # What was left out when its commits were fetched.
    optional("note", LongText),
    refers_to("releases", "release_id"),
    refers_to("repositories", "repository_id"),
    Index(None, "organization_id", "repository_id"),
    **NARROW,
)

DEPLOYS: Final = table(
    "deploys",
    *entity_key(),
    required("release_id", Id),
    optional("request_key", KeyText),
    required("environment", LongText),
    optional("name", LongText),
    optional("url", LongText),
    optional("started_at", UtcDateTime),
    required("finished_at", UtcDateTime),
    refers_to("releases", "release_id"),
    UniqueConstraint("organization_id", "release_id", "request_key"),
    Index(None, "organization_id", "release_id", "finished_at", "id"),
)
"""``request_key`` is equal for a deploy that is sent again. It is null where the sender gave no times."""

DEPLOY_PROJECTS: Final = table(
    "deploy_projects",
    child_key(),
    Column("deploy_id", Id, primary_key=True),
    Column("project_id", Id, primary_key=True),
    refers_to("deploys", "deploy_id"),
    refers_to("projects", "project_id"),
    Index(None, "organization_id", "project_id"),
    **NARROW,
)
