"""SQL of the last deliveries to installations."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, cast

from sqlalchemy import delete, insert, select

from scmhost.infra.db.engine import Transaction
from scmhost.infra.db.statements import new_id

from .tables import WEBHOOK_DELIVERIES

DeliveryOutcome = Literal["saved", "unchanged", "ignored", "refused", "failed"]
"""``saved``: commits were new; ``unchanged``: all were known; ``ignored``: it is no push to a repository of the
installation; ``refused``: it is not signed, or cannot be read; ``failed``: the plugin or this host is at fault."""

KEPT: Final = 20
"""How many deliveries an installation has at most. A new one deletes the oldest."""

_TABLE: Final = WEBHOOK_DELIVERIES.c


@dataclass(frozen=True, slots=True)
class Delivery:
    """The outcome of a delivery. Neither its body nor its signature is stored.

    Attributes:
        event: the event as the code host names it; empty if it does not.
        detail: what the delivery has changed, or why it has changed nothing.
    """

    id: int
    received_at: datetime
    event: str
    outcome: DeliveryOutcome
    detail: str


@dataclass(frozen=True, slots=True)
class DeliveryDraft:
    """A delivery to save."""

    event: str
    outcome: DeliveryOutcome
    detail: str


def add(tx: Transaction, organization_id: int, installation_id: int, draft: DeliveryDraft, now: datetime) -> None:
    """Save a delivery, and delete those that are too many.

    Refused ones are counted apart: a sender without the secret must not be able to delete the deliveries of the code
    host.
    """
    is_refused = draft.outcome == "refused"
    own = (_TABLE.organization_id == organization_id) & (_TABLE.installation_id == installation_id)
    own &= (_TABLE.outcome == "refused") == is_refused
    older = select(_TABLE.id).where(own).order_by(_TABLE.id.desc()).offset(KEPT // 2 - 1)
    tx.execute(delete(WEBHOOK_DELIVERIES).where(own, _TABLE.id.in_(list(tx.scalars(older)))))
    row = {"event": draft.event, "outcome": draft.outcome, "detail": draft.detail, "received_at": now}
    keys = {"organization_id": organization_id, "id": new_id(tx), "installation_id": installation_id}
    tx.execute(insert(WEBHOOK_DELIVERIES).values(keys | row))


def has_refused_since(tx: Transaction, organization_id: int, installation_id: int, moment: datetime) -> bool:
    """Return whether a delivery to an installation was refused after a moment."""
    own = (_TABLE.organization_id == organization_id) & (_TABLE.installation_id == installation_id)
    query = select(_TABLE.id).where(own, _TABLE.outcome == "refused", _TABLE.received_at > moment).limit(1)
    return tx.execute(query).first() is not None


def newest(tx: Transaction, organization_id: int, installation_id: int) -> Sequence[Delivery]:
    """Return the deliveries of an installation, the newest first."""
    own = (_TABLE.organization_id == organization_id) & (_TABLE.installation_id == installation_id)
    columns = (_TABLE.id, _TABLE.received_at, _TABLE.event, _TABLE.outcome, _TABLE.detail)
    query = select(*columns).where(own).order_by(_TABLE.id.desc()).limit(KEPT)
    return [
        Delivery(row.id, row.received_at, row.event, cast("DeliveryOutcome", row.outcome), row.detail)
        for row in tx.execute(query)
    ]
