"""The audit log: who changed what. Entries are added, never changed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select

from scmhost.infra.db.base import AnyRow
from scmhost.infra.db.engine import Transaction
from scmhost.infra.db.statements import AUDIT, Key, insert_into, paged, take_one
from scmhost.infra.paging import Page, PageRequest
from scmhost.sdk import JsonObject
from scmhost.services import Actor

from .tables import AUDIT_ENTRIES


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who changed what, and when. Without an organization it is of the host as a whole."""

    id: int
    organization_id: int | None
    created_at: datetime
    actor: Actor
    action: str
    target: str
    target_id: int | None
    details: JsonObject


_NEWEST_FIRST: Final = (Key(AUDIT_ENTRIES.c.id, descending=True),)

# No organization has this id: the series begins at 1.
_HOST: Final = 0


@dataclass(frozen=True, slots=True)
class AuditDraft:
    """An entry to be saved. ``key`` tells apart what several processes may tell of; the first one's entry stays."""

    actor: Actor
    action: str
    target: str
    target_id: int | None
    details: JsonObject
    key: str | None = None


def add(tx: Transaction, organization_id: int | None, draft: AuditDraft, now: datetime) -> bool:
    """Save an entry. Whether it is new: of two with one key the first stays."""
    row: dict[str, Any] = {
        "organization_id": organization_id or _HOST,
        "id": take_one(tx, AUDIT),
        "created_at": now,
        "actor_kind": draft.actor.kind,
        "actor_id": draft.actor.id,
        "actor_name": draft.actor.name,
        "action": draft.action,
        "target_id": draft.target_id,
        "target": draft.target,
        "details": draft.details,
        "key": draft.key,
    }
    new = insert_into(tx, AUDIT_ENTRIES).values(row).on_conflict_do_nothing().returning(AUDIT_ENTRIES.c.id)
    return tx.execute(new).first() is not None


def has_key(tx: Transaction, organization_id: int | None, key: str) -> bool:
    """Whether there is an entry with a key."""
    mine = (AUDIT_ENTRIES.c.organization_id == (organization_id or _HOST)) & (AUDIT_ENTRIES.c.key == key)
    return tx.execute(select(AUDIT_ENTRIES.c.id).where(mine)).first() is not None


def page(
    tx: Transaction, organization_id: int | None, request: PageRequest, *, action: str | None, actor_id: int | None
) -> Page[AuditEntry]:
    """Entries of an organization, or of the host as a whole, the newest first."""
    query = select(AUDIT_ENTRIES).where(AUDIT_ENTRIES.c.organization_id == (organization_id or _HOST))
    if action is not None:
        query = query.where(AUDIT_ENTRIES.c.action == action)
    if actor_id is not None:
        query = query.where(AUDIT_ENTRIES.c.actor_id == actor_id)
    return paged(tx, query, _NEWEST_FIRST, request, _entry)


def _entry(row: AnyRow) -> AuditEntry:
    return AuditEntry(
        id=row.id,
        organization_id=row.organization_id or None,
        created_at=row.created_at,
        actor=Actor(row.actor_kind, row.actor_name, row.actor_id),
        action=row.action,
        target=row.target,
        target_id=row.target_id,
        details=row.details,
    )
