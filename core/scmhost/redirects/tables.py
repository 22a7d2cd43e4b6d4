"""The table of redirect keys."""

from datetime import datetime
from typing import Final

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from scmhost.infra.db.base import Base, EntityMixin, KeyText, table_of


class RedirectKeyRow(EntityMixin, Base):
    __tablename__ = "redirect_keys"
    __table_args__ = (UniqueConstraint("organization_id", "digest"),)

    name: Mapped[str]
    digest: Mapped[str] = mapped_column(KeyText)
    hint: Mapped[str]
    binds_sender: Mapped[bool]
    sender: Mapped[str | None]
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


REDIRECT_KEYS: Final = table_of(RedirectKeyRow)
