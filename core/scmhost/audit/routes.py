"""The route of an organization's audit log, and its wire shapes."""

from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import JsonValue

from scmhost.infra.http import Moment, RequestedPage, UserOut, Wire
from scmhost.organizations.access import ForAudit, ServicesDep

from .queries import ACTIONS, AuditEntry, list_entries


class AuditEntryOut(Wire):
    """An entry. Sentry's ``ipAddress`` and ``targetUser`` are always null, because neither is stored."""

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
    """A page of entries, and the names of all events, by which a list can be filtered."""

    rows: list[AuditEntryOut]
    options: list[str]


def _entry_out(entry: AuditEntry) -> AuditEntryOut:
    return AuditEntryOut(
        id=str(entry.id),
        actor=UserOut(
            # Only tokens have an id; for other actors the kind takes its place.
            id=str(entry.actor.id or entry.actor.kind),
            name=entry.actor.name,
            username=entry.actor.name,
            # Sentry has the address of a person here. An entry is kept when its token is gone, so it has none.
            email="",
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
    services: ServicesDep,
    organization: ForAudit,
    page: RequestedPage,
    event: Annotated[str | None, Query(description="Only entries of this event, such as token.create.")] = None,
    actor: Annotated[int | None, Query(ge=0, lt=2**53, description="Only entries of the token with this id.")] = None,
) -> AuditLogOut:
    """List who changed what, the newest first. ``data`` contains no secrets."""
    entries = list_entries(services, organization, page.request, action=event or None, actor_id=actor)
    rows = page.answer(entries, [_entry_out(entry) for entry in entries.items])
    return AuditLogOut(rows=list(rows), options=list(ACTIONS))
