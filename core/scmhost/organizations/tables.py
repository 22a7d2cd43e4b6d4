"""The tables of organizations, projects, tokens and people.

People, their links and their sessions belong to the host: one person may be in several organizations.
"""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import ForeignKey, Index, UniqueConstraint
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


class PersonRow(Base):
    __tablename__ = "people"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str]
    # Names the person at a proxy or an identity provider; people who came by a link have none.
    subject: Mapped[str | None] = mapped_column(KeyText, unique=True)
    host_admin: Mapped[bool]
    created_at: Mapped[datetime]
    signed_in_at: Mapped[datetime | None]


class MembershipRow(Base):
    __tablename__ = "memberships"
    __table_args__ = (Index(None, "person_id"),)

    organization_id: Mapped[int] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), primary_key=True)
    role: Mapped[str] = mapped_column(KeyText)
    created_at: Mapped[datetime]


class SignInLinkRow(Base):
    """The link of a person, who has one at most."""

    __tablename__ = "sign_in_links"

    digest: Mapped[str] = mapped_column(KeyText, primary_key=True)
    # The first administrator of the host is added when the link is used.
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class PersonSessionRow(Base):
    __tablename__ = "person_sessions"
    __table_args__ = (Index(None, "person_id"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))
    digest: Mapped[str] = mapped_column(KeyText, unique=True)
    # The browser as it names itself, so that a person recognizes the session.
    client: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class HostKeyRow(Base):
    """A random key that all processes of the host share. The migration makes the one that signs cookies."""

    __tablename__ = "host_keys"

    name: Mapped[str] = mapped_column(KeyText, primary_key=True)
    key: Mapped[str]


ORGANIZATIONS: Final = table_of(OrganizationRow)
PROJECTS: Final = table_of(ProjectRow)
TOKENS: Final = table_of(TokenRow)
PEOPLE: Final = table_of(PersonRow)
MEMBERSHIPS: Final = table_of(MembershipRow)
SIGN_IN_LINKS: Final = table_of(SignInLinkRow)
PERSON_SESSIONS: Final = table_of(PersonSessionRow)
HOST_KEYS: Final = table_of(HostKeyRow)
