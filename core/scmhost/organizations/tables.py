"""The tables of organizations, projects and tokens."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from scmhost.infra.db.base import Base, EntityMixin, KeyText, table_of


class OrganizationRow(Base):
    __tablename__ = "organizations"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    slug: Mapped[str] = mapped_column(KeyText, unique=True)
    name: Mapped[str]
    created_at: Mapped[datetime]


class ProjectRow(EntityMixin, Base):
    __tablename__ = "projects"
    __table_args__ = (UniqueConstraint("organization_id", "slug"),)

    slug: Mapped[str] = mapped_column(KeyText)
    name: Mapped[str]
    platform: Mapped[str | None]
    mappings_version: Mapped[int]
    created_at: Mapped[datetime]


class TokenRow(EntityMixin, Base):
    __tablename__ = "tokens"
    __table_args__ = (UniqueConstraint("organization_id", "digest"),)

    name: Mapped[str]
    digest: Mapped[str] = mapped_column(KeyText)
    hint: Mapped[str]
    scopes: Mapped[list[Any]]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


ORGANIZATIONS: Final = table_of(OrganizationRow)
PROJECTS: Final = table_of(ProjectRow)
TOKENS: Final = table_of(TokenRow)
