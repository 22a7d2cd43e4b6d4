"""The tables of organizations, projects, tokens and people.

People, their links and their sessions belong to the host: one person may be in several organizations.
"""

from typing import Final

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Index, UniqueConstraint

from scmhost.infra.db.base import Id, KeyText, LongText, UtcDateTime, entity_key, optional, required, table

ORGANIZATIONS: Final = table(
    "organizations",
    Column("id", Id, primary_key=True, autoincrement=False),
    required("slug", KeyText, unique=True),
    required("name", LongText),
    required("created_at", UtcDateTime),
)

PROJECTS: Final = table(
    "projects",
    *entity_key(),
    required("slug", KeyText),
    required("name", LongText),
    optional("platform", LongText),
    required("mappings_version", Id),
    required("created_at", UtcDateTime),
    UniqueConstraint("organization_id", "slug"),
)

TOKENS: Final = table(
    "tokens",
    *entity_key(),
    required("name", LongText),
    required("digest", KeyText),
    required("hint", LongText),
    required("scopes", JSON),
    required("created_at", UtcDateTime),
    optional("expires_at", UtcDateTime),
    optional("revoked_at", UtcDateTime),
    optional("last_used_at", UtcDateTime),
    UniqueConstraint("organization_id", "digest"),
)

PEOPLE: Final = table(
    "people",
    Column("id", Id, primary_key=True, autoincrement=False),
    required("name", LongText),
    # Names the person at a proxy or an identity provider; people who came by a link have none.
    optional("subject", KeyText, unique=True),
    required("host_admin", Boolean),
    required("created_at", UtcDateTime),
    optional("signed_in_at", UtcDateTime),
)

MEMBERSHIPS: Final = table(
    "memberships",
    Column("organization_id", Id, ForeignKey("organizations.id", ondelete="CASCADE"), primary_key=True),
    Column("person_id", Id, ForeignKey("people.id", ondelete="CASCADE"), primary_key=True),
    required("role", KeyText),
    required("created_at", UtcDateTime),
    Index(None, "person_id"),
)

SIGN_IN_LINKS: Final = table(
    "sign_in_links",
    Column("digest", KeyText, primary_key=True),
    # The first administrator of the host is added when the link is used.
    optional("person_id", Id, ForeignKey("people.id", ondelete="CASCADE"), unique=True),
    required("created_at", UtcDateTime),
    required("expires_at", UtcDateTime),
)
"""The link of a person, who has one at most."""

PERSON_SESSIONS: Final = table(
    "person_sessions",
    Column("id", Id, primary_key=True, autoincrement=False),
    required("person_id", Id, ForeignKey("people.id", ondelete="CASCADE")),
    required("digest", KeyText, unique=True),
    # The browser as it names itself, so that a person recognizes the session.
    required("client", LongText),
    required("created_at", UtcDateTime),
    required("expires_at", UtcDateTime),
    Index(None, "person_id"),
)

HOST_KEYS: Final = table(
    "host_keys",
    Column("name", KeyText, primary_key=True),
    required("key", LongText),
)
"""A random key that all processes of the host share. The migration makes the one that signs cookies."""
