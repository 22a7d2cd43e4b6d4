"""Which secrets an installation's webhook has. What the secrets say is not stored."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, delete, insert, or_, select, update

from .engine import Transaction
from .ids import take_one
from .tables import AnyRow, table_of
from .values import WebhookSecret
from .work_tables import WebhookSecretRow

_TABLE: Final = table_of(WebhookSecretRow)


def create(tx: Transaction, organization_id: int, installation_id: int, now: datetime) -> WebhookSecret:
    """A new secret."""
    keys = {"organization_id": organization_id, "id": take_one(tx), "installation_id": installation_id}
    return _secret(tx.execute(insert(_TABLE).values(keys | {"created_at": now}).returning(_TABLE)).one())


def live(tx: Transaction, organization_id: int, installation_id: int, now: datetime) -> Sequence[WebhookSecret]:
    """The secrets of an installation that have not expired, the newest first."""
    alive = or_(_TABLE.c.expires_at.is_(None), _TABLE.c.expires_at > now)
    query = select(_TABLE).where(_of(organization_id, installation_id), alive).order_by(_TABLE.c.id.desc())
    return [_secret(row) for row in tx.execute(query)]


def expire(tx: Transaction, organization_id: int, installation_id: int, expires_at: datetime) -> None:
    """Let all secrets that have no end yet end at a time."""
    endless = _of(organization_id, installation_id) & _TABLE.c.expires_at.is_(None)
    tx.execute(update(_TABLE).where(endless).values(expires_at=expires_at))


def delete_one(tx: Transaction, organization_id: int, installation_id: int, secret_id: int) -> bool:
    """Make a secret worthless at once. Whether there was one."""
    mine = _of(organization_id, installation_id) & (_TABLE.c.id == secret_id)
    return tx.execute(delete(_TABLE).where(mine).returning(_TABLE.c.id)).first() is not None


def _of(organization_id: int, installation_id: int) -> ColumnElement[bool]:
    return (_TABLE.c.organization_id == organization_id) & (_TABLE.c.installation_id == installation_id)


def _secret(row: AnyRow) -> WebhookSecret:
    return WebhookSecret(**{field.name: getattr(row, field.name) for field in fields(WebhookSecret)})
