"""The audit log: who changed what. An entry is saved in the transaction of its change, and is never edited."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, get_args

from pydantic import JsonValue
from sqlalchemy import ColumnElement, select

from scmhost.infra.db.base import AnyRow
from scmhost.infra.db.engine import Transaction
from scmhost.infra.db.statements import AUDIT, SortKey, fetch_page, insert_into, new_id
from scmhost.infra.errors import InvalidInput
from scmhost.infra.paging import Page, PageQuery
from scmhost.sdk import JsonObject, Organization
from scmhost.services import Actor, Services

from .tables import AUDIT_ENTRIES

Action = Literal[
    "code-mapping.create",
    "code-mapping.delete",
    "code-mapping.edit",
    "configuration.change",
    "integration.add",
    "integration.edit",
    "integration.remove",
    "org.create",
    "org.delete",
    "org.keep",
    "org.import",
    "person.change",
    "person.invite",
    "person.remove",
    "person.sign-in",
    "person.sign-out",
    "project.create",
    "project.delete",
    "project.keep",
    "project.link-repository",
    "redirect-key.create",
    "redirect-key.revoke",
    "release.delete",
    "repository.add",
    "repository.claim",
    "repository.delete",
    "repository.edit",
    "repository.sync",
    "repository.unclaim",
    "secrets.rotate",
    "token.create",
    "token.revoke",
    "trace.delete",
    "trace.share",
    "webhook-secret.create",
    "webhook-secret.delete",
]

ACTIONS: Final[tuple[Action, ...]] = get_args(Action)
"""The names of all actions that are recorded."""

Details = Mapping[str, JsonValue]
"""What else is known of a change, as JSON. It must not contain secrets."""

# By id, because several entries can have the same time.
_NEWEST_FIRST: Final = (SortKey(AUDIT_ENTRIES.c.id, descending=True),)

# The organization id of entries about the host. No organization has it: ids begin at 1.
_HOST: Final = 0


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """A recorded change. An entry without an organization is about the host as a whole."""

    id: int
    organization_id: int | None
    created_at: datetime
    actor: Actor
    action: str
    target: str
    target_id: int | None
    details: JsonObject


@dataclass(frozen=True, slots=True)
class AuditDraft:
    """An entry to save.

    Attributes:
        key: identifies a change that several processes record. Only the first entry with a key is saved.
    """

    actor: Actor
    action: str
    target: str
    target_id: int | None
    details: JsonObject
    key: str | None = None


def record(
    tx: Transaction,
    services: Services,
    organization: Organization,
    action: Action,
    target: tuple[int | None, str],
    details: Details | None = None,
) -> None:
    """Record a change of the target with this id and name, as a change by the services' actor."""
    # The name is stored, because the target may be renamed or deleted later.
    target_id, name = target
    draft = AuditDraft(services.actor, action, name, target_id, dict(details or {}))
    add(tx, organization.id, draft, services.clock.now())


def list_entries(
    services: Services,
    organization: Organization | None,
    request: PageQuery,
    *,
    action: str | None = None,
    actor_id: int | None = None,
) -> Page[AuditEntry]:
    """Return a page of the entries of an organization, or of the host without one, the newest first.

    Raises:
        InvalidInput: there is no such action.
    """
    # A mistyped name would give an empty list, which looks like "nothing happened".
    if action is not None and action not in ACTIONS:
        raise InvalidInput(f"There is no event {action!r}; choose from {', '.join(ACTIONS)}.", "event")
    with services.store.read() as tx:
        return page(tx, organization.id if organization else None, request, action=action, actor_id=actor_id)


def add(tx: Transaction, organization_id: int | None, draft: AuditDraft, now: datetime) -> bool:
    """Save an entry. Return False if there is one with the same key already."""
    row: dict[str, Any] = {
        "organization_id": organization_id or _HOST,
        "id": new_id(tx, AUDIT),
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
    # Workers that see the same change of plugins.toml record it at once; the database lets one of them win.
    statement = insert_into(tx, AUDIT_ENTRIES).values(row).on_conflict_do_nothing().returning(AUDIT_ENTRIES.c.id)
    return tx.execute(statement).first() is not None


def has_key(tx: Transaction, organization_id: int | None, key: str) -> bool:
    """Return whether there is an entry with a key."""
    query = select(AUDIT_ENTRIES.c.id).where(_belongs_to(organization_id), AUDIT_ENTRIES.c.key == key)
    return tx.execute(query).first() is not None


def page(
    tx: Transaction, organization_id: int | None, request: PageQuery, *, action: str | None, actor_id: int | None
) -> Page[AuditEntry]:
    """Return a page of the entries of an organization, or of the host without one, the newest first."""
    query = select(AUDIT_ENTRIES).where(_belongs_to(organization_id))
    if action is not None:
        query = query.where(AUDIT_ENTRIES.c.action == action)
    if actor_id is not None:
        query = query.where(AUDIT_ENTRIES.c.actor_id == actor_id)
    return fetch_page(tx, query, _NEWEST_FIRST, request, _entry)


def _belongs_to(organization_id: int | None) -> ColumnElement[bool]:
    return AUDIT_ENTRIES.c.organization_id == (organization_id or _HOST)


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
