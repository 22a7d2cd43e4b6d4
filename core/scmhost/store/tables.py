"""The tables of organizations, what they set up, and their repositories."""

from datetime import datetime
from typing import Any, ClassVar, Final, TypeAlias, cast

from sqlalchemy import (
    JSON,
    BigInteger,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    MetaData,
    Row,
    Select,
    Table,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from .columns import Id, KeyText, LongText, UtcDateTime

AnyRow: TypeAlias = Row[*tuple[Any, ...]]
AnySelect: TypeAlias = Select[*tuple[Any, ...]]

NAME_IS_HELD: Final = "status IN ('active', 'hidden')"
"""A repository that waits for its deletion leaves its name and its external id to others."""


class Base(DeclarativeBase):
    """Base of all tables. Keys, foreign keys and unique constraints lead with the organization."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        int: Id,
        str: LongText,
        datetime: UtcDateTime,
        dict[str, Any]: JSON,
        list[Any]: JSON,
    }


class Owned:
    """A row that stands directly under its organization."""

    organization_id: Mapped[int] = mapped_column(
        ForeignKey("organizations.id", ondelete="CASCADE"), primary_key=True, sort_order=-2
    )
    id: Mapped[int] = mapped_column(primary_key=True, sort_order=-1)


def table_of(row: type[Base]) -> Table:
    """The table of a row class: statements are written on tables, so that no row object outlives one."""
    return cast("Table", row.__table__)


def refers_to(table: str, column: str, *, ondelete: str | None = "CASCADE") -> ForeignKeyConstraint:
    """A foreign key that stays inside one organization."""
    return ForeignKeyConstraint(
        ["organization_id", column], [f"{table}.organization_id", f"{table}.id"], ondelete=ondelete
    )


class OrganizationRow(Base):
    __tablename__ = "organizations"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    slug: Mapped[str] = mapped_column(KeyText, unique=True)
    name: Mapped[str]
    created_at: Mapped[datetime]


class ProjectRow(Owned, Base):
    __tablename__ = "projects"
    __table_args__ = (UniqueConstraint("organization_id", "slug"),)

    slug: Mapped[str] = mapped_column(KeyText)
    name: Mapped[str]
    platform: Mapped[str | None]
    mappings_version: Mapped[int]
    created_at: Mapped[datetime]


class TokenRow(Owned, Base):
    __tablename__ = "tokens"
    __table_args__ = (UniqueConstraint("organization_id", "digest"),)

    name: Mapped[str]
    digest: Mapped[str] = mapped_column(KeyText)
    hint: Mapped[str]
    scopes: Mapped[list[Any]]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class InstallationRow(Owned, Base):
    __tablename__ = "installations"
    __table_args__ = (UniqueConstraint("organization_id", "provider", "external_id"),)

    provider: Mapped[str] = mapped_column(KeyText)
    name: Mapped[str] = mapped_column(KeyText)
    external_id: Mapped[str] = mapped_column(KeyText)
    # A declarative class keeps the name "metadata" for itself.
    metadata_: Mapped[dict[str, Any]] = mapped_column("metadata")
    configuration: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]


class RepositoryRow(Owned, Base):
    __tablename__ = "repositories"
    __table_args__ = (
        refers_to("installations", "installation_id", ondelete=None),
        Index(
            "uq_repositories_name",
            "organization_id",
            "name_key",
            unique=True,
            sqlite_where=text(NAME_IS_HELD),
            postgresql_where=text(NAME_IS_HELD),
        ),
        Index(
            "uq_repositories_external_id",
            "organization_id",
            "provider",
            "external_id",
            unique=True,
            sqlite_where=text(NAME_IS_HELD),
            postgresql_where=text(NAME_IS_HELD),
        ),
        Index(None, "organization_id", "name_key", "id"),
        Index(None, "organization_id", "installation_id"),
    )

    name: Mapped[str]
    name_key: Mapped[str] = mapped_column(KeyText)
    url: Mapped[str | None]
    provider: Mapped[str | None] = mapped_column(KeyText)
    installation_id: Mapped[int | None]
    external_id: Mapped[str | None] = mapped_column(KeyText)
    configuration: Mapped[dict[str, Any]]
    status: Mapped[str] = mapped_column(KeyText)
    created_at: Mapped[datetime]
    delete_after: Mapped[datetime | None]


class CodeMappingRow(Owned, Base):
    """The source root stands in the key as a hash: two long roots are more than an index takes."""

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
    source_hash: Mapped[int] = mapped_column(BigInteger)
    confidence: Mapped[str | None]
    derived_from: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))
