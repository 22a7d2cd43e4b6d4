"""SQL of installations, their secrets, and webhook secrets."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, delete, func, insert, literal, or_, select, tuple_, update

from scmhost.infra.db.base import AnyRow
from scmhost.infra.db.engine import Transaction
from scmhost.infra.db.statements import KeyQuery, SortKey, batches, duplicates, fetch_page, insert_into, new_id
from scmhost.infra.paging import Page, PageQuery
from scmhost.repositories.tables import REPOSITORIES
from scmhost.sdk import Installation, InstallationDraft, JsonObject

from .tables import INSTALLATION_SECRETS, INSTALLATIONS, WEBHOOK_SECRETS


@dataclass(frozen=True, slots=True)
class StoredInstallation:
    """An installation as plugins get it, and the time of its creation, which only the host needs."""

    installation: Installation
    created_at: datetime


@dataclass(frozen=True, slots=True)
class WebhookSecret:
    """A secret that signs an installation's deliveries until it expires."""

    id: int
    organization_id: int
    installation_id: int
    created_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class SealedSecrets:
    """The encrypted secrets of an installation, as stored.

    Attributes:
        encrypted: the secrets, which only the key with this id reveals.
        key_id: the id of the key.
        version: changes with the secrets, but not when they are encrypted again.
        expires_at: when they have to be renewed.
        leased_until: while this is in the future, a worker is renewing them.
        problem: why the code host refuses them.
        problem_at: when it last refused them.
    """

    organization_id: int
    installation_id: int
    encrypted: str
    key_id: str
    version: int
    expires_at: datetime | None
    leased_until: datetime | None
    problem: str | None
    problem_at: datetime | None


_BY_NAME: Final = (SortKey(INSTALLATIONS.c.name), SortKey(INSTALLATIONS.c.id))


def create(
    tx: Transaction, organization_id: int, provider: str, draft: InstallationDraft, now: datetime, version: str = ""
) -> StoredInstallation:
    """Save an installation. ``version`` is that of the plugin, which made its configuration.

    Raises:
        Duplicate: the provider has an installation with this external id.
    """
    keys = {"organization_id": organization_id, "id": new_id(tx), "provider": provider}
    tx.mark_changed(organization_id)
    row = keys | draft.model_dump() | {"created_at": now, "configuration_version": version or None}
    with duplicates(tx, f"Installation {draft.external_id!r} of {provider!r} exists already; change that one."):
        return _installation(tx.execute(insert(INSTALLATIONS).values(row).returning(INSTALLATIONS)).one())


def get(tx: Transaction, organization_id: int, installation_id: int) -> StoredInstallation | None:
    """Return one installation."""
    return get_many(tx, organization_id, [installation_id]).get(installation_id)


def owner_of(tx: Transaction, installation_id: int) -> int | None:
    """Return the id of an installation's organization. Ids are unique across organizations."""
    return tx.scalar(select(INSTALLATIONS.c.organization_id).where(INSTALLATIONS.c.id == installation_id))


def lock(tx: Transaction, organization_id: int, installation_id: int) -> bool:
    """Lock an installation until the transaction ends. Return whether it exists."""
    row = select(INSTALLATIONS.c.id).where(_is_row(organization_id, installation_id)).with_for_update()
    return tx.execute(row).first() is not None


def with_external_id(tx: Transaction, provider: str, external_id: str) -> list[Installation]:
    """Return the installations of a provider with an external id, in all organizations, by organization."""
    table = INSTALLATIONS.c
    query = select(INSTALLATIONS).where(table.provider == provider, table.external_id == external_id)
    return [_installation(row).installation for row in tx.execute(query.order_by(table.organization_id))]


def oldest_of_provider(tx: Transaction, provider: str, limit: int) -> list[Installation]:
    """Return installations of a provider, of any organizations, the oldest first."""
    query = select(INSTALLATIONS).where(INSTALLATIONS.c.provider == provider).order_by(INSTALLATIONS.c.id)
    return [_installation(row).installation for row in tx.execute(query.limit(limit))]


def get_many(tx: Transaction, organization_id: int, ids: Iterable[int]) -> dict[int, StoredInstallation]:
    """Return the installations with these ids by id; ids without an installation are left out."""
    return {row.id: _installation(row) for row in _BY_ID.rows(tx, organization_id, ids)}


_BY_ID: Final = KeyQuery(select(INSTALLATIONS), INSTALLATIONS.c.organization_id, INSTALLATIONS.c.id)


def page(
    tx: Transaction, organization_id: int, request: PageQuery, providers: Collection[str] | None = None
) -> Page[StoredInstallation]:
    """Return a page of installations by name, of all providers or of the named ones."""
    query = select(INSTALLATIONS).where(INSTALLATIONS.c.organization_id == organization_id)
    if providers is not None:
        # Sorted: equal filters give equal statements, which databases cache.
        query = query.where(INSTALLATIONS.c.provider.in_(sorted(providers)))
    return fetch_page(tx, query, _BY_NAME, request, _installation)


def set_configuration(
    tx: Transaction, organization_id: int, installation_id: int, configuration: JsonObject, version: str = ""
) -> StoredInstallation | None:
    """Replace an installation's configuration. Return None if there is no such installation."""
    statement = update(INSTALLATIONS).where(_is_row(organization_id, installation_id))
    fields = {"configuration": configuration, "configuration_version": version or None}
    tx.mark_changed(organization_id)
    row = tx.execute(statement.values(fields).returning(INSTALLATIONS)).one_or_none()
    return _installation(row) if row else None


def configuration_version(tx: Transaction, organization_id: int, installation_id: int) -> str:
    """Return the version of the plugin that stored an installation's configuration; empty if it is not known."""
    query = select(INSTALLATIONS.c.configuration_version).where(_is_row(organization_id, installation_id))
    return tx.scalar(query) or ""


def lock_configuration(tx: Transaction, organization_id: int, installation_id: int) -> JsonObject | None:
    """Return an installation's configuration, which nobody else changes until the transaction ends."""
    query = select(INSTALLATIONS.c.configuration).where(_is_row(organization_id, installation_id))
    found: JsonObject | None = tx.scalar(query.with_for_update())
    return found


def of_provider(tx: Transaction, provider: str, after: tuple[int, int], limit: int) -> list[StoredInstallation]:
    """Return installations of a provider in any organization, after the installation with these two ids."""
    place = tuple_(INSTALLATIONS.c.organization_id, INSTALLATIONS.c.id)
    query = select(INSTALLATIONS).where(INSTALLATIONS.c.provider == provider, place > tuple_(*map(literal, after)))
    return [_installation(row) for row in tx.execute(query.order_by(*place.clauses).limit(limit))]


def delete_installation(tx: Transaction, organization_id: int, installation_id: int) -> bool:
    """Delete an installation. Return whether it existed.

    Its repositories become unclaimed; their code mappings and commits are kept.
    """
    # Locked first: claims that are not saved yet are waited for, so that their repositories become unclaimed too.
    lock_configuration(tx, organization_id, installation_id)
    # The foreign key has no ON DELETE, because a cascade would delete the repositories' commits and code mappings.
    claimed = (REPOSITORIES.c.organization_id == organization_id) & (REPOSITORIES.c.installation_id == installation_id)
    tx.execute(
        update(REPOSITORIES).where(claimed).values(provider=None, installation_id=None, state="active", host_name=None)
    )
    tx.mark_changed(organization_id)
    statement = delete(INSTALLATIONS).where(_is_row(organization_id, installation_id)).returning(INSTALLATIONS.c.id)
    return tx.execute(statement).first() is not None


def _is_row(organization_id: int, installation_id: int) -> ColumnElement[bool]:
    return (INSTALLATIONS.c.organization_id == organization_id) & (INSTALLATIONS.c.id == installation_id)


def _installation(row: AnyRow) -> StoredInstallation:
    # Its secrets are read for the calls of I/O hooks only.
    names = [name for name in Installation.model_fields if name != "secrets"]
    fields = {name: row._mapping[name] for name in names}  # noqa: SLF001 - SQLAlchemy's public name for it
    return StoredInstallation(Installation.model_validate(fields), row.created_at)


def sealed_secrets(tx: Transaction, organization_id: int, ids: Iterable[int]) -> dict[int, SealedSecrets]:
    """Return the encrypted secrets of installations by their ids; those without secrets are left out."""
    query = select(INSTALLATION_SECRETS).where(INSTALLATION_SECRETS.c.organization_id == organization_id)
    column = INSTALLATION_SECRETS.c.installation_id
    rows = (row for piece in batches(ids) for row in tx.execute(query.where(column.in_(piece))))
    return {row.installation_id: _sealed(row) for row in rows}


def sealed_with_other_keys(tx: Transaction, key_id: str, after: tuple[int, int], limit: int) -> list[SealedSecrets]:
    """Return secrets of any organization that another key encrypts, after the installation with these two ids."""
    table = INSTALLATION_SECRETS.c
    place = tuple_(table.organization_id, table.installation_id)
    query = select(INSTALLATION_SECRETS).where(table.key_id != key_id, place > tuple_(*map(literal, after)))
    return [_sealed(row) for row in tx.execute(query.order_by(*place.clauses).limit(limit))]


def count_sealed(tx: Transaction) -> dict[str, int]:
    """Count the installations with secrets of all organizations, by the id of the key that encrypts them."""
    column = INSTALLATION_SECRETS.c.key_id
    return {row[0]: row[1] for row in tx.execute(select(column, func.count()).group_by(column))}


def save_secrets(
    tx: Transaction, installation: Installation, encrypted: str, key_id: str, expires_at: datetime | None
) -> None:
    """Save the secrets of an installation in place of its others, and forget why those were refused."""
    new = insert_into(tx, INSTALLATION_SECRETS).values(
        organization_id=installation.organization_id,
        installation_id=installation.id,
        encrypted=encrypted,
        key_id=key_id,
        version=1,
        expires_at=expires_at,
    )
    # Counted on, so that a worker that renews the former ones does not replace these.
    fields = {"version": INSTALLATION_SECRETS.c.version + 1, **_unleased(encrypted, key_id, expires_at)}
    keys = [INSTALLATION_SECRETS.c.organization_id, INSTALLATION_SECRETS.c.installation_id]
    tx.execute(new.on_conflict_do_update(index_elements=keys, set_=fields))


def delete_secrets(tx: Transaction, installation: Installation) -> None:
    """Delete the secrets of an installation."""
    table = INSTALLATION_SECRETS.c
    own = (table.organization_id == installation.organization_id) & (table.installation_id == installation.id)
    tx.execute(delete(INSTALLATION_SECRETS).where(own))


def lease_secrets(tx: Transaction, sealed: SealedSecrets, now: datetime, until: datetime) -> bool:
    """Reserve the renewal of secrets. Return False if another worker renews them, or has renewed them."""
    table = INSTALLATION_SECRETS.c
    # A lease that has run out is that of a worker that died.
    free = or_(table.leased_until.is_(None), table.leased_until <= now)
    statement = update(INSTALLATION_SECRETS).where(_is_sealed(sealed), free).values(leased_until=until)
    return tx.execute(statement.returning(table.version)).first() is not None


def replace_secrets(
    tx: Transaction, sealed: SealedSecrets, encrypted: str, key_id: str, expires_at: datetime | None
) -> bool:
    """Save renewed secrets and end the lease. Return False if they were changed meanwhile."""
    fields = {"version": sealed.version + 1, **_unleased(encrypted, key_id, expires_at)}
    statement = update(INSTALLATION_SECRETS).where(_is_sealed(sealed)).values(fields)
    return tx.execute(statement.returning(INSTALLATION_SECRETS.c.version)).first() is not None


def reseal(tx: Transaction, sealed: SealedSecrets, encrypted: str, key_id: str) -> bool:
    """Save the same secrets, encrypted again. Return False if they were changed meanwhile."""
    same = _is_sealed(sealed) & (INSTALLATION_SECRETS.c.key_id == sealed.key_id)
    statement = update(INSTALLATION_SECRETS).where(same).values(encrypted=encrypted, key_id=key_id)
    return tx.execute(statement.returning(INSTALLATION_SECRETS.c.version)).first() is not None


def end_lease(tx: Transaction, sealed: SealedSecrets, problem: str | None, now: datetime) -> None:
    """End the renewal of secrets without new ones. With a problem, the installation needs attention."""
    fields: dict[str, Any] = {"leased_until": None}
    if problem is not None:
        fields |= {"problem": problem, "problem_at": now}
    tx.execute(update(INSTALLATION_SECRETS).where(_is_sealed(sealed)).values(fields))


def accept_secrets(tx: Transaction, sealed: SealedSecrets) -> None:
    """Forget why secrets were refused."""
    tx.execute(update(INSTALLATION_SECRETS).where(_is_sealed(sealed)).values(problem=None, problem_at=None))


def _unleased(encrypted: str, key_id: str, expires_at: datetime | None) -> dict[str, Any]:
    fresh = {"leased_until": None, "problem": None, "problem_at": None}
    return {"encrypted": encrypted, "key_id": key_id, "expires_at": expires_at, **fresh}


def _is_sealed(sealed: SealedSecrets) -> ColumnElement[bool]:
    table = INSTALLATION_SECRETS.c
    is_row = (table.organization_id == sealed.organization_id) & (table.installation_id == sealed.installation_id)
    # Secrets that others changed since they were read are left alone.
    return is_row & (table.version == sealed.version)


def _sealed(row: AnyRow) -> SealedSecrets:
    return SealedSecrets(**{field.name: getattr(row, field.name) for field in fields(SealedSecrets)})


def create_secret(tx: Transaction, organization_id: int, installation_id: int, now: datetime) -> WebhookSecret:
    """Create a secret that does not expire."""
    # The id is part of what the secret's text is derived from, so it must never be used twice.
    keys = {"organization_id": organization_id, "id": new_id(tx), "installation_id": installation_id}
    statement = insert(WEBHOOK_SECRETS).values(keys | {"created_at": now}).returning(WEBHOOK_SECRETS)
    return _secret(tx.execute(statement).one())


def live_secrets(tx: Transaction, organization_id: int, installation_id: int, now: datetime) -> Sequence[WebhookSecret]:
    """Return the secrets of an installation that have not expired, the newest first."""
    is_live = or_(WEBHOOK_SECRETS.c.expires_at.is_(None), WEBHOOK_SECRETS.c.expires_at > now)
    query = (
        select(WEBHOOK_SECRETS)
        .where(_secrets_of(organization_id, installation_id), is_live)
        .order_by(WEBHOOK_SECRETS.c.id.desc())
    )
    return [_secret(row) for row in tx.execute(query)]


def expire_secrets(tx: Transaction, organization_id: int, installation_id: int, expires_at: datetime) -> None:
    """Set the expiry of all secrets of an installation that have none yet."""
    # A secret that expires already keeps its time: rotating twice must not prolong its life.
    permanent = _secrets_of(organization_id, installation_id) & WEBHOOK_SECRETS.c.expires_at.is_(None)
    tx.execute(update(WEBHOOK_SECRETS).where(permanent).values(expires_at=expires_at))


def delete_secret(tx: Transaction, organization_id: int, installation_id: int, secret_id: int) -> bool:
    """Delete a secret. Return whether it existed."""
    is_row = _secrets_of(organization_id, installation_id) & (WEBHOOK_SECRETS.c.id == secret_id)
    return tx.execute(delete(WEBHOOK_SECRETS).where(is_row).returning(WEBHOOK_SECRETS.c.id)).first() is not None


def _secrets_of(organization_id: int, installation_id: int) -> ColumnElement[bool]:
    return (WEBHOOK_SECRETS.c.organization_id == organization_id) & (
        WEBHOOK_SECRETS.c.installation_id == installation_id
    )


def _secret(row: AnyRow) -> WebhookSecret:
    return WebhookSecret(**{field.name: getattr(row, field.name) for field in fields(WebhookSecret)})
