"""Share a trace: its text is stored for some days because a person asks for it, and for the organization alone."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from scmhost.audit.queries import Details, record
from scmhost.infra.errors import Conflict, InvalidInput, NotFound
from scmhost.organizations.queries import Project, count_rows
from scmhost.sdk import Organization
from scmhost.services import Services

from . import shared_queries
from .shared_queries import SharedText, SharedTrace, TraceDraft
from .traces import LinksIn

LONGEST_SHARED: Final = 200_000
"""The longest text that can be shared, in characters."""

MOST_SHARED: Final = 500
"""How many shared traces an organization may have at once."""


def share_trace(services: Services, organization: Organization, project: Project, body: LinksIn) -> SharedTrace:
    """Store a trace for as many days as ``[web] share_days`` says. The same trace again changes nothing.

    Raises:
        InvalidInput: it has no text, or one that is too long.
        Conflict: traces cannot be shared here, or the organization shares too many.
    """
    days, text = services.web.share_days, body.text or ""
    if not days:
        raise Conflict("Traces cannot be shared here: [web] share_days is 0.")
    if not text.strip() or len(text) > LONGEST_SHARED:
        raise InvalidInput(f"A trace to share has 1 to {LONGEST_SHARED:,} characters.", "text")
    now = services.clock.now()
    draft = TraceDraft(
        project.id, text, body.release or None, body.commit or None, services.actor, now, now + timedelta(days=days)
    )
    with services.store.write() as tx:
        existing = shared_queries.equal_to(tx, organization.id, draft)
        if existing:
            return existing
        if count_rows(tx, "shared_traces", organization.id) >= MOST_SHARED:
            raise Conflict(f"An organization shares at most {MOST_SHARED} traces at once; delete one of them.")
        shared = shared_queries.add(tx, organization.id, draft)
        # Neither the text nor a part of it: the entry is kept for longer than the trace.
        details: Details = {"project": project.slug, "expires": shared.expires_at.isoformat(), "characters": len(text)}
        record(tx, services, organization, "trace.share", (shared.id, str(shared.id)), details)
    return shared


def read_shared(services: Services, organization: Organization, project: Project, trace_id: int) -> SharedText:
    """Return a shared trace with its text.

    Raises:
        NotFound: the project has no such trace, or it has expired.
    """
    with services.store.read() as tx:
        found = shared_queries.get(tx, organization.id, project.id, trace_id, services.clock.now())
    if found is None:
        raise NotFound("There is no shared trace with this address. It was deleted, or has expired.")
    return found


def list_shared(services: Services, organization: Organization, project: Project) -> Sequence[SharedTrace]:
    """Return the shared traces of a project without their texts, the newest first."""
    with services.store.read() as tx:
        return shared_queries.of_project(tx, organization.id, project.id, services.clock.now())


def delete_shared(services: Services, organization: Organization, project: Project, trace_id: int) -> None:
    """Delete a shared trace with its text.

    Raises:
        NotFound: the project has no such trace, or it has expired.
    """
    read_shared(services, organization, project, trace_id)
    with services.store.write() as tx:
        # Another request may have deleted it meanwhile, which is one change.
        if shared_queries.remove(tx, organization.id, trace_id):
            record(tx, services, organization, "trace.delete", (trace_id, str(trace_id)), {"project": project.slug})


def delete_expired_traces(services: Services) -> int:
    """Delete the traces of all organizations that have expired; return how many."""
    now = services.clock.now()
    with services.store.read() as tx:
        # Most rounds find nothing. A read does not take the writer's lock of SQLite.
        if not shared_queries.any_expired(tx, now):
            return 0
    with services.store.write() as tx:
        return shared_queries.remove_expired(tx, now)
