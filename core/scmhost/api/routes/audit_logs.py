"""The audit log of an organization."""

from typing import Annotated, Final

from fastapi import APIRouter, Query

from scmhost.api.audit_shapes import AuditLogOut, audit_entry
from scmhost.api.context import ForAudit, ServicesOf
from scmhost.api.pages import Wanted
from scmhost.usecases.audit import ACTIONS, list_entries

router: Final = APIRouter(prefix="/api/0/organizations/{organization}/audit-logs", tags=["audit log"])


@router.get("/")
def list_all(
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
