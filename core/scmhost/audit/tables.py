"""The table of the audit log."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from scmhost.infra.db.base import Base, KeyText, table_of


class AuditEntryRow(Base):
    """An entry of the audit log. It has no foreign key, so that it outlives its target and its organization."""

    __tablename__ = "audit_entries"
    __table_args__ = (UniqueConstraint("organization_id", "key"), Index(None, "organization_id", "action", "id"))

    # No foreign key: 0 stands for the host, and entries of a deleted organization are kept.
    organization_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    created_at: Mapped[datetime]
    actor_kind: Mapped[str] = mapped_column(KeyText)
    actor_id: Mapped[int | None]
    actor_name: Mapped[str]
    action: Mapped[str] = mapped_column(KeyText)
    target_id: Mapped[int | None]
    target: Mapped[str]
    details: Mapped[dict[str, Any]]
    # Most entries have no key; NULLs do not conflict with each other in a unique constraint.
    key: Mapped[str | None] = mapped_column(KeyText)


AUDIT_ENTRIES: Final = table_of(AuditEntryRow)
