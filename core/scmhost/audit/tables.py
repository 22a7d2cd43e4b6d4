"""The table of the audit log."""

from typing import Final

from sqlalchemy import JSON, Column, Index, UniqueConstraint

from scmhost.infra.db.base import Id, KeyText, LongText, UtcDateTime, optional, required, table

AUDIT_ENTRIES: Final = table(
    "audit_entries",
    # No foreign key: 0 stands for the host, and entries of a deleted organization are kept.
    Column("organization_id", Id, primary_key=True, autoincrement=False),
    Column("id", Id, primary_key=True, autoincrement=False),
    required("created_at", UtcDateTime),
    required("actor_kind", KeyText),
    optional("actor_id", Id),
    required("actor_name", LongText),
    required("action", KeyText),
    optional("target_id", Id),
    required("target", LongText),
    required("details", JSON),
    # Most entries have no key; NULLs do not conflict with each other in a unique constraint.
    optional("key", KeyText),
    UniqueConstraint("organization_id", "key"),
    Index(None, "organization_id", "action", "id"),
)
"""An entry of the audit log. It has no foreign key, so that it outlives its target and its organization."""
