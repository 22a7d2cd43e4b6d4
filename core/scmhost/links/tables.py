"""The tables of code mappings, a project's repositories, frames without a link, and traces that people share."""

from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import JSON, BigInteger, Date, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from scmhost.infra.db.base import Base, ChildMixin, EntityMixin, KeyText, refers_to, table_of


class CodeMappingRow(EntityMixin, Base):
    """A code mapping. The key has a hash of the source root, because two long roots are too long for an index."""

    __tablename__ = "code_mappings"
    __table_args__ = (
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

    project_id: Mapped[int]
    repository_id: Mapped[int]
    stack_root: Mapped[str] = mapped_column(KeyText)
    source_root: Mapped[str]
    default_branch: Mapped[str | None]
    generated: Mapped[bool]
    created_at: Mapped[datetime]
    # Equal hashes of different roots only refuse a mapping; with 64 bits that does not happen by chance.
    source_hash: Mapped[int] = mapped_column(BigInteger)
    # Confidence and evidence are NULL for mappings of people.
    confidence: Mapped[str | None]
    derived_from: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))


class ProjectRepositoryRow(EntityMixin, Base):
    """A repository that a client has linked to a project, with or without a code mapping."""

    __tablename__ = "project_repositories"
    __table_args__ = (
        refers_to("projects", "project_id"),
        refers_to("repositories", "repository_id"),
        UniqueConstraint("organization_id", "project_id", "repository_id"),
        Index(None, "organization_id", "repository_id"),
    )

    project_id: Mapped[int]
    repository_id: Mapped[int]
    created_at: Mapped[datetime]


class MissingFramesRow(ChildMixin, Base):
    """A counter of a day: frames of a project without a link, by reason and by the beginning of their paths."""

    __tablename__ = "missing_frames"
    __table_args__ = (refers_to("projects", "project_id"), Index(None, "organization_id", "project_id"))

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    project_id: Mapped[int] = mapped_column(primary_key=True)
    reason: Mapped[str] = mapped_column(KeyText, primary_key=True)
    root: Mapped[str] = mapped_column(KeyText, primary_key=True)
    count: Mapped[int]


class SharedTraceRow(EntityMixin, Base):
    """A trace that a person shares with the others of the organization, until it expires."""

    __tablename__ = "shared_traces"
    __table_args__ = (
        refers_to("projects", "project_id"),
        Index(None, "organization_id", "project_id"),
        # For the housekeeping, which deletes those of all organizations.
        Index(None, "expires_at"),
    )

    project_id: Mapped[int]
    text: Mapped[str]
    release_version: Mapped[str | None]
    commit_sha: Mapped[str | None]
    actor_kind: Mapped[str] = mapped_column(KeyText)
    actor_id: Mapped[int | None]
    actor_name: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


CODE_MAPPINGS: Final = table_of(CodeMappingRow)
PROJECT_REPOSITORIES: Final = table_of(ProjectRepositoryRow)
MISSING_FRAMES: Final = table_of(MissingFramesRow)
SHARED_TRACES: Final = table_of(SharedTraceRow)
