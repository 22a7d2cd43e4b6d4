"""The audit log of an organization."""

from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import JsonValue

from scmhost.infra.http import Moment, UserOut, Wanted, Wire
from scmhost.organizations.access import ForAudit, ServicesOf

from .queries import AuditEntry
from .record import ACTIONS, list_entries


class AuditEntryOut(Wire):
    """Who changed what. Sentry's ``ipAddress`` and ``targetUser`` are always null: addresses are not kept."""

    id: str
    actor: UserOut
    event: str
    ip_address: str | None = None
    note: str
    target_object: str | None
    target_user: None = None
    data: dict[str, JsonValue]
    date_created: Moment


class AuditLogOut(Wire):
    """A page of entries, and the names of all events."""

    rows: list[AuditEntryOut]
    options: list[str]


def audit_entry(entry: AuditEntry) -> AuditEntryOut:
    """An entry on the wire."""
    return AuditEntryOut(
        id=str(entry.id),
        actor=UserOut(
            id=str(entry.actor.id or entry.actor.kind), name=entry.actor.name, username=entry.actor.name, email=""
        ),
        event=entry.action,
        note=entry.target,
        target_object=str(entry.target_id) if entry.target_id is not None else None,
        data=entry.details,
        date_created=entry.created_at,
    )


router: Final = APIRouter(prefix="/api/0/organizations/{organization}/audit-logs", tags=["audit log"])


@router.get("/")
def audit_list(
    services: ServicesOf,
    organization: ForAudit,
    page: Wanted,
    event: Annotated[str | None, Query(description="Only of this kind, such as token.create.")] = None,
    actor: Annotated[int | None, Query(ge=0, lt=2**53, description="Only by the token with this id.")] = None,
) -> AuditLogOut:
    """Who changed what, the newest first. ``data`` holds no secrets."""
    found = list_entries(services, organization, page.request, action=event or None, actor_id=actor)
    rows = page.answer(found, [audit_entry(entry) for entry in found.items])
    return AuditLogOut(rows=list(rows), options=list(ACTIONS))
