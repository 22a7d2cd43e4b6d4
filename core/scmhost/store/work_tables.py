"""The tables of what is done later, of what comes in by itself, and of who changed what."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from .columns import KeyText
from .history_tables import ReleaseHeadRow
from .tables import Base, Owned, refers_to, table_of


class JobRow(Owned, Base):
    """Work that waits for its time, or that failed for good.

    A job with the same kind and key takes the place of an older one, with an id of its own: whoever still works on
    the older one ends a job that is no more. ``leased_until`` is in the future while a worker has it.
    """

    __tablename__ = "jobs"
    __table_args__ = (UniqueConstraint("organization_id", "kind", "key"),)

    kind: Mapped[str] = mapped_column(KeyText)
    key: Mapped[str] = mapped_column(KeyText)
    payload: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(KeyText)
    attempts: Mapped[int]
    due_at: Mapped[datetime]
    leased_until: Mapped[datetime | None]
    fault: Mapped[str | None]


class WebhookSecretRow(Owned, Base):
    """A secret of an installation's webhook. The secret itself is derived from its id and stored nowhere."""

    __tablename__ = "webhook_secrets"
    __table_args__ = (
        refers_to("installations", "installation_id"),
        Index(None, "organization_id", "installation_id"),
    )

    installation_id: Mapped[int]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]


class AuditEntryRow(Base):
    """Who changed what. An entry refers to nothing, so that it outlives what it tells of, organizations included."""

    __tablename__ = "audit_entries"
    __table_args__ = (UniqueConstraint("organization_id", "key"), Index(None, "organization_id", "action", "id"))

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
    key: Mapped[str | None] = mapped_column(KeyText)


ALL_TABLES: Final = table_of(ReleaseHeadRow).metadata
"""The metadata, complete: whoever imports it from here has imported all tables."""
