"""SQL of installations that a person continues at the code host."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, cast

from sqlalchemy import ColumnElement, delete, func, insert, select, update

from scmhost.infra.db.base import AnyRow
from scmhost.infra.db.engine import Transaction
from scmhost.infra.db.statements import new_id
from scmhost.services import Actor, ActorKind

from .tables import PENDING_INSTALLATIONS

PendingStatus = Literal["waiting", "finishing", "installed", "refused", "failed", "expired"]

_TABLE: Final = PENDING_INSTALLATIONS.c


@dataclass(frozen=True, slots=True)
class PendingInstallation:
    """An installation that was begun.

    Attributes:
        callback_url: the address that the plugin gave to the code host.
        actor: who began. Only this token or user may see the result.
        used_at: when the browser came back.
        status: ``waiting`` for the browser; ``finishing``; ``installed``; ``refused`` by the plugin or the code host;
            ``failed`` for a fault of the plugin or of this host; ``expired``.
        detail: why there is no installation.
        installation_id: the id of the installation, once there is one.
    """

    organization_id: int
    id: int
    provider: str
    callback_url: str
    actor: Actor
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None
    status: PendingStatus
    detail: str | None
    installation_id: int | None


@dataclass(frozen=True, slots=True)
class PendingDraft:
    """A pending installation to save. ``digest`` is that of its state; ``sealed`` is encrypted."""

    provider: str
    digest: str
    callback_url: str
    sealed: str | None
    actor: Actor
    created_at: datetime
    expires_at: datetime


def add(tx: Transaction, organization_id: int, draft: PendingDraft) -> PendingInstallation:
    """Save a pending installation."""
    row = {
        "organization_id": organization_id,
        "id": new_id(tx),
        "provider": draft.provider,
        "digest": draft.digest,
        "callback_url": draft.callback_url,
        "sealed": draft.sealed,
        "actor_kind": draft.actor.kind,
        "actor_id": draft.actor.id,
        "actor_name": draft.actor.name,
        "created_at": draft.created_at,
        "expires_at": draft.expires_at,
        "status": "waiting",
    }
    return _pending(tx.execute(insert(PENDING_INSTALLATIONS).values(row).returning(PENDING_INSTALLATIONS)).one())


def get(tx: Transaction, organization_id: int, pending_id: int) -> PendingInstallation | None:
    """Return one pending installation."""
    row = tx.execute(select(PENDING_INSTALLATIONS).where(_is_row(organization_id, pending_id))).one_or_none()
    return _pending(row) if row else None


def by_digest(tx: Transaction, organization_id: int, digest: str) -> tuple[PendingInstallation, str | None] | None:
    """Return the pending installation with the digest of a state, and what is sealed for it."""
    is_row = (_TABLE.organization_id == organization_id) & (_TABLE.digest == digest)
    row = tx.execute(select(PENDING_INSTALLATIONS).where(is_row)).one_or_none()
    return (_pending(row), row.sealed) if row else None


def count_waiting(tx: Transaction, organization_id: int, now: datetime) -> int:
    """Count the installations of an organization that wait for a browser."""
    waiting = (_TABLE.status == "waiting") & (_TABLE.expires_at > now)
    return tx.execute(select(func.count()).where(_TABLE.organization_id == organization_id, waiting)).scalar_one()


def use(tx: Transaction, pending: PendingInstallation, now: datetime) -> bool:
    """Use the state of a pending installation, and forget what was saved. Return False if it is used or expired."""
    unused = (_TABLE.status == "waiting") & _TABLE.used_at.is_(None) & (_TABLE.expires_at > now)
    statement = update(PENDING_INSTALLATIONS).where(_is_row(pending.organization_id, pending.id), unused)
    # One statement checks and uses the state: of two browsers with the same state, one comes through.
    used = statement.values(used_at=now, status="finishing", sealed=None).returning(_TABLE.id)
    return tx.execute(used).first() is not None


def settle(
    tx: Transaction,
    pending: PendingInstallation,
    status: PendingStatus,
    detail: str | None = None,
    installation_id: int | None = None,
) -> None:
    """Save the result of a pending installation."""
    values = {"status": status, "detail": detail, "installation_id": installation_id}
    tx.execute(update(PENDING_INSTALLATIONS).where(_is_row(pending.organization_id, pending.id)).values(values))


def any_expired(tx: Transaction, now: datetime, forgotten: datetime) -> bool:
    """Return whether ``forget_expired`` has something to do."""
    due = ((_TABLE.expires_at <= now) & _TABLE.sealed.is_not(None)) | (_TABLE.expires_at <= forgotten)
    return tx.execute(select(_TABLE.id).where(due).limit(1)).first() is not None


def forget_expired(tx: Transaction, now: datetime, forgotten: datetime) -> int:
    """Remove what was saved for expired installations, and delete those that expired before ``forgotten``."""
    tx.execute(
        update(PENDING_INSTALLATIONS).where(_TABLE.expires_at <= now, _TABLE.sealed.is_not(None)).values(sealed=None)
    )
    old = delete(PENDING_INSTALLATIONS).where(_TABLE.expires_at <= forgotten)
    return len(tx.execute(old.returning(_TABLE.id)).all())


def _is_row(organization_id: int, pending_id: int) -> ColumnElement[bool]:
    return (_TABLE.organization_id == organization_id) & (_TABLE.id == pending_id)


def _pending(row: AnyRow) -> PendingInstallation:
    return PendingInstallation(
        organization_id=row.organization_id,
        id=row.id,
        provider=row.provider,
        callback_url=row.callback_url,
        actor=Actor(cast("ActorKind", row.actor_kind), row.actor_name, row.actor_id),
        created_at=row.created_at,
        expires_at=row.expires_at,
        used_at=row.used_at,
        status=cast("PendingStatus", row.status),
        detail=row.detail,
        installation_id=row.installation_id,
    )
