"""The audit log on the wire, in the shape of Sentry's."""

from pydantic import JsonValue

from scmhost.usecases.values import AuditEntry

from .shapes import Moment, UserOut, Wire


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
