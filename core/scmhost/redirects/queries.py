"""SQL of redirect keys."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, and_, func, insert, select, update

from scmhost.infra.db.base import AnyRow, secret_digest
from scmhost.infra.db.engine import Transaction
from scmhost.infra.db.statements import new_id

from .tables import REDIRECT_KEYS


@dataclass(frozen=True, slots=True)
class RedirectKey:
    """A redirect key. The key itself is not stored; ``hint`` is its last four characters.

    Attributes:
        binds_sender: whether the key works only for the first sender that uses it.
        sender: that sender, as the ``installationId`` of Sentry's URLs names it; None before the first use.
        last_used_at: when it was last used, to the minute or so.
    """

    id: int
    organization_id: int
    name: str
    hint: str
    binds_sender: bool
    sender: str | None
    created_at: datetime
    revoked_at: datetime | None
    expires_at: datetime | None = None
    last_used_at: datetime | None = None

    def is_valid(self, now: datetime) -> bool:
        """Return whether it is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)


@dataclass(frozen=True, slots=True)
class RedirectKeyDraft:
    """A key to save, with its text."""

    name: str
    text: str
    binds_sender: bool = False
    expires_at: datetime | None = None


_COLUMNS: Final = tuple(REDIRECT_KEYS.c[field.name] for field in fields(RedirectKey))
_KEYS: Final = REDIRECT_KEYS.c


def create(tx: Transaction, organization_id: int, draft: RedirectKeyDraft, now: datetime) -> RedirectKey:
    """Save a key."""
    row = {
        "organization_id": organization_id,
        "id": new_id(tx),
        "name": draft.name,
        "digest": secret_digest(draft.text),
        "hint": draft.text[-4:],
        "binds_sender": draft.binds_sender,
        "created_at": now,
        "expires_at": draft.expires_at,
    }
    tx.mark_changed(organization_id)
    return _key(tx.execute(insert(REDIRECT_KEYS).values(row).returning(*_COLUMNS)).one())


def count_valid(tx: Transaction, organization_id: int, now: datetime) -> int:
    """Return how many keys of an organization are neither revoked nor expired."""
    lasts = _KEYS.expires_at.is_(None) | (_KEYS.expires_at > now)
    is_valid = _KEYS.organization_id == organization_id, _KEYS.revoked_at.is_(None), lasts
    return tx.scalar(select(func.count()).select_from(REDIRECT_KEYS).where(*is_valid)) or 0


def all_keys(tx: Transaction, organization_id: int) -> list[RedirectKey]:
    """Return all keys of an organization, the oldest first."""
    query = select(*_COLUMNS).where(_KEYS.organization_id == organization_id).order_by(_KEYS.id)
    return [_key(row) for row in tx.execute(query)]


def get(tx: Transaction, organization_id: int, key_id: int) -> RedirectKey | None:
    """Return a key, revoked or not."""
    return _one(tx, _is_row(organization_id, key_id))


def with_digest(tx: Transaction, organization_id: int, digest: str) -> RedirectKey | None:
    """Return the key with this digest of its text, revoked or not."""
    return _one(tx, and_(_KEYS.organization_id == organization_id, _KEYS.digest == digest))


def revoke(tx: Transaction, organization_id: int, key_id: int, now: datetime) -> None:
    """Revoke a key."""
    tx.execute(update(REDIRECT_KEYS).where(_is_row(organization_id, key_id)).values(revoked_at=now))
    tx.mark_changed(organization_id)


def bind(tx: Transaction, organization_id: int, key_id: int, sender: str) -> None:
    """Save the sender of a key that has none."""
    # Of two first senders at once, the second changes nothing.
    is_free = and_(_is_row(organization_id, key_id), _KEYS.sender.is_(None))
    tx.execute(update(REDIRECT_KEYS).where(is_free).values(sender=sender))
    tx.mark_changed(organization_id)


def _is_row(organization_id: int, key_id: int) -> ColumnElement[bool]:
    return and_(_KEYS.organization_id == organization_id, _KEYS.id == key_id)


def _one(tx: Transaction, condition: ColumnElement[bool]) -> RedirectKey | None:
    row = tx.execute(select(*_COLUMNS).where(condition)).one_or_none()
    return _key(row) if row else None


def _key(row: AnyRow) -> RedirectKey:
    return RedirectKey(**{field.name: getattr(row, field.name) for field in fields(RedirectKey)})
