"""The audit log: entries are written in the transaction of the change that they tell of, and hold no secrets."""

from collections.abc import Mapping
from typing import Final, Literal, get_args

from pydantic import JsonValue

from scmhost.infra.db.engine import Transaction
from scmhost.infra.errors import InvalidInput
from scmhost.infra.paging import Page, PageRequest
from scmhost.sdk import Organization
from scmhost.services import Services

from . import queries
from .queries import AuditDraft, AuditEntry

Action = Literal[
    "code-mapping.create",
    "code-mapping.delete",
    "code-mapping.edit",
    "configuration.change",
    "integration.add",
    "integration.edit",
    "integration.remove",
    "org.create",
    "project.create",
    "release.delete",
    "repository.add",
    "repository.claim",
    "repository.delete",
    "repository.edit",
    "repository.unclaim",
    "token.create",
    "token.revoke",
    "webhook-secret.create",
    "webhook-secret.delete",
]

ACTIONS: Final[tuple[Action, ...]] = get_args(Action)
"""All that is told of, by name."""

Details = Mapping[str, JsonValue]


def record(
    tx: Transaction,
    services: Services,
    organization: Organization,
    action: Action,
    target: tuple[int | None, str],
    details: Details | None = None,
) -> None:
    """Tell of a change, by its target's id and name."""
    draft = AuditDraft(services.actor, action, target[1], target[0], dict(details or {}))
    queries.add(tx, organization.id, draft, services.clock.now())


def list_entries(
    services: Services,
    organization: Organization | None,
    request: PageRequest,
    *,
    action: str | None = None,
    actor_id: int | None = None,
) -> Page[AuditEntry]:
    """What was changed in an organization, or in the host as a whole, the newest first.

    Raises:
        InvalidInput: there is no such action.
    """
    if action is not None and action not in ACTIONS:
        raise InvalidInput(f"There is no event {action!r}; choose from {', '.join(ACTIONS)}.", "event")
    with services.store.read() as tx:
        return queries.page(tx, organization.id if organization else None, request, action=action, actor_id=actor_id)
