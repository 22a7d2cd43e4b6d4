"""The tables of code mappings, a project's repositories, frames without a link, and traces that people share."""

from typing import Final

from sqlalchemy import JSON, BigInteger, Boolean, Column, Date, Index, UniqueConstraint

from scmhost.infra.db.base import (
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

CODE_MAPPINGS: Final = table(
    "code_mappings",
    *entity_key(),
    required("project_id", Id),
    required("repository_id", Id),
    required("stack_root", KeyText),
    required("source_root", LongText),
    optional("default_branch", LongText),
    required("generated", Boolean),
    required("created_at", UtcDateTime),
    # Equal hashes of different roots only refuse a mapping; with 64 bits that does not happen by chance.
    required("source_hash", BigInteger),
    # Confidence and evidence are NULL for mappings of people.
    optional("confidence", LongText),
    optional("derived_from", JSON(none_as_null=True)),
    refers_to("projects", "project_id"),
    refers_to("repositories", "repository_id"),
    UniqueConstraint(
        "organization_id",
        "project_id",
        "stack_root",
        "repository_id",
        "source_hash",
        name="uq_code_mappings_roots",
    ),
    Index(None, "organization_id", "repository_id"),
)
"""A code mapping. The key has a hash of the source root, because two long roots are too long for an index."""

PROJECT_REPOSITORIES: Final = table(
    "project_repositories",
    *entity_key(),
    required("project_id", Id),
    required("repository_id", Id),
    required("created_at", UtcDateTime),
    refers_to("projects", "project_id"),
    refers_to("repositories", "repository_id"),
    UniqueConstraint("organization_id", "project_id", "repository_id"),
    Index(None, "organization_id", "repository_id"),
)
"""A repository that a client has linked to a project, with or without a code mapping."""

MISSING_FRAMES: Final = table(
    "missing_frames",
    child_key(),
    Column("day", Date, primary_key=True),
    Column("project_id", Id, primary_key=True),
    Column("reason", KeyText, primary_key=True),
    Column("root", KeyText, primary_key=True),
    required("count", Id),
    refers_to("projects", "project_id"),
    Index(None, "organization_id", "project_id"),
)
"""A counter of a day: frames of a project without a link, by reason and by the beginning of their paths."""

SHARED_TRACES: Final = table(
    "shared_traces",
    *entity_key(),
    required("project_id", Id),
    required("text", LongText),
    optional("release_version", LongText),
    optional("commit_sha", LongText),
    required("actor_kind", KeyText),
    optional("actor_id", Id),
    required("actor_name", LongText),
    required("created_at", UtcDateTime),
    required("expires_at", UtcDateTime),
    refers_to("projects", "project_id"),
    Index(None, "organization_id", "project_id"),
    # For the housekeeping, which deletes those of all organizations.
    Index(None, "expires_at"),
)
"""A trace that a person shares with the others of the organization, until it expires."""
