"""SQL of installations and webhook secrets."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, delete, insert, or_, select, update
from sqlalchemy import delete as delete_from
from sqlalchemy import update as change

from scmhost.infra.db.base import AnyRow
from scmhost.infra.db.engine import Transaction
from scmhost.infra.db.statements import Key, duplicates, paged, pieces, take_one
from scmhost.infra.paging import Page, PageRequest
from scmhost.repositories.tables import REPOSITORIES
from scmhost.sdk import Installation, InstallationDraft, JsonObject

from .tables import INSTALLATIONS, WEBHOOK_SECRETS


@dataclass(frozen=True, slots=True)
class StoredInstallation:
    """An installation as the plugin sees it, with what only the host needs."""

    installation: Installation
    created_at: datetime


@dataclass(frozen=True, slots=True)
class WebhookSecret:
    """A secret by which an installation's deliveries are known to be genuine, until it expires."""

    id: int
    organization_id: int
    installation_id: int
    created_at: datetime
    expires_at: datetime | None


_BY_NAME: Final = (Key(INSTALLATIONS.c.name), Key(INSTALLATIONS.c.id))


def create(
    tx: Transaction, organization_id: int, provider: str, draft: InstallationDraft, now: datetime
) -> StoredInstallation:
    """Save an installation.

    Raises:
        Duplicate: the provider has an installation with this external id.
    """
    keys = {"organization_id": organization_id, "id": take_one(tx), "provider": provider}
    row = keys | draft.model_dump() | {"created_at": now}
    with duplicates(tx, f"Installation {draft.external_id!r} of {provider!r} exists already; change that one."):
        return _installation(tx.execute(insert(INSTALLATIONS).values(row).returning(INSTALLATIONS)).one())


def get(tx: Transaction, organization_id: int, installation_id: int) -> StoredInstallation | None:
    """One installation."""
    return get_many(tx, organization_id, [installation_id]).get(installation_id)


def owner_of(tx: Transaction, installation_id: int) -> int | None:
    """The organization of an installation: ids are of one series, so that an installation's alone names it."""
    return tx.scalar(select(INSTALLATIONS.c.organization_id).where(INSTALLATIONS.c.id == installation_id))


def get_many(tx: Transaction, organization_id: int, ids: Iterable[int]) -> dict[int, StoredInstallation]:
    """The installations with these ids, as far as they are there."""
    query = select(INSTALLATIONS).where(INSTALLATIONS.c.organization_id == organization_id)
    rows = (row for piece in pieces(ids) for row in tx.execute(query.where(INSTALLATIONS.c.id.in_(piece))))
    return {row.id: _installation(row) for row in rows}


def page(
    tx: Transaction, organization_id: int, request: PageRequest, providers: Collection[str] | None = None
) -> Page[StoredInstallation]:
    """Installations by name, of all providers or of the named ones."""
    query = select(INSTALLATIONS).where(INSTALLATIONS.c.organization_id == organization_id)
    if providers is not None:
        query = query.where(INSTALLATIONS.c.provider.in_(sorted(providers)))
    return paged(tx, query, _BY_NAME, request, _installation)


def set_configuration(
    tx: Transaction, organization_id: int, installation_id: int, configuration: JsonObject
) -> StoredInstallation | None:
    """Replace an installation's configuration, or None when there is no such installation."""
    fields = {"configuration": configuration}
    row = tx.execute(
        change(INSTALLATIONS).where(_is_row(organization_id, installation_id)).values(fields).returning(INSTALLATIONS)
    )
    found = row.one_or_none()
    return _installation(found) if found else None


def delete_installation(tx: Transaction, organization_id: int, installation_id: int) -> bool:
    """Delete an installation. Its repositories become unclaimed; their code mappings and commits stay."""
    mine = (REPOSITORIES.c.organization_id == organization_id) & (REPOSITORIES.c.installation_id == installation_id)
    tx.execute(change(REPOSITORIES).where(mine).values(provider=None, installation_id=None))
    row = tx.execute(
        delete_from(INSTALLATIONS).where(_is_row(organization_id, installation_id)).returning(INSTALLATIONS.c.id)
    )
    return row.first() is not None


def _is_row(organization_id: int, installation_id: int) -> ColumnElement[bool]:
    return (INSTALLATIONS.c.organization_id == organization_id) & (INSTALLATIONS.c.id == installation_id)


def _installation(row: AnyRow) -> StoredInstallation:
    fields = {name: row._mapping[name] for name in Installation.model_fields}  # noqa: SLF001 - SQLAlchemy's public name for it
    return StoredInstallation(Installation.model_validate(fields), row.created_at)


def create_secret(tx: Transaction, organization_id: int, installation_id: int, now: datetime) -> WebhookSecret:
    """A new secret."""
    keys = {"organization_id": organization_id, "id": take_one(tx), "installation_id": installation_id}
    return _secret(
        tx.execute(insert(WEBHOOK_SECRETS).values(keys | {"created_at": now}).returning(WEBHOOK_SECRETS)).one()
    )


def live_secrets(tx: Transaction, organization_id: int, installation_id: int, now: datetime) -> Sequence[WebhookSecret]:
    """The secrets of an installation that have not expired, the newest first."""
    alive = or_(WEBHOOK_SECRETS.c.expires_at.is_(None), WEBHOOK_SECRETS.c.expires_at > now)
    query = (
        select(WEBHOOK_SECRETS)
        .where(_secrets_of(organization_id, installation_id), alive)
        .order_by(WEBHOOK_SECRETS.c.id.desc())
    )
    return [_secret(row) for row in tx.execute(query)]


def expire_secrets(tx: Transaction, organization_id: int, installation_id: int, expires_at: datetime) -> None:
    """Let all secrets that have no end yet end at a time."""
    endless = _secrets_of(organization_id, installation_id) & WEBHOOK_SECRETS.c.expires_at.is_(None)
    tx.execute(update(WEBHOOK_SECRETS).where(endless).values(expires_at=expires_at))


def delete_secret(tx: Transaction, organization_id: int, installation_id: int, secret_id: int) -> bool:
    """Make a secret worthless at once. Whether there was one."""
    mine = _secrets_of(organization_id, installation_id) & (WEBHOOK_SECRETS.c.id == secret_id)
    return tx.execute(delete(WEBHOOK_SECRETS).where(mine).returning(WEBHOOK_SECRETS.c.id)).first() is not None


def _secrets_of(organization_id: int, installation_id: int) -> ColumnElement[bool]:
    return (WEBHOOK_SECRETS.c.organization_id == organization_id) & (
        WEBHOOK_SECRETS.c.installation_id == installation_id
    )


def _secret(row: AnyRow) -> WebhookSecret:
    return WebhookSecret(**{field.name: getattr(row, field.name) for field in fields(WebhookSecret)})
