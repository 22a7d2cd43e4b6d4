"""SQL of the webhooks that are registered at code hosts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, delete, select, update

from scmhost.infra.db.base import AnyRow
from scmhost.infra.db.engine import Transaction
from scmhost.infra.db.statements import batches, insert_into
from scmhost.sdk import JsonObject, RegisteredWebhook, Repository

from .tables import REPOSITORY_WEBHOOKS

WebhookState = Literal["pending", "registered", "failed"]

_TABLE: Final = REPOSITORY_WEBHOOKS.c


@dataclass(frozen=True, slots=True)
class RepositoryWebhook:
    """The webhook of a repository, for one installation.

    Attributes:
        repository: the repository as it was when the webhook was requested.
        wanted: false: it is to be removed.
        state: ``pending`` until a job has registered or removed it; ``failed`` after an attempt that failed.
        reason: why it is not registered or removed yet.
        external_id: its id at the code host, once it is registered there.
        metadata: data of the plugin.
        address: the address to which the code host sends.
        changed_at: when this was last changed.
    """

    organization_id: int
    installation_id: int
    repository_id: int
    repository: Repository
    wanted: bool
    state: WebhookState
    reason: str | None
    external_id: str | None
    metadata: JsonObject
    address: str | None
    changed_at: datetime

    @property
    def registered(self) -> RegisteredWebhook | None:
        """The webhook as its plugin has registered it, or None."""
        return RegisteredWebhook(external_id=self.external_id, metadata=self.metadata) if self.external_id else None


def request(tx: Transaction, installation_id: int, repositories: Iterable[Repository], now: datetime) -> None:
    """Save that an installation is to have webhooks for its repositories. Registered ones keep their ids."""
    # Writers in the same order cannot deadlock.
    rows: list[dict[str, Any]] = [
        {
            "organization_id": repository.organization_id,
            "installation_id": installation_id,
            "repository_id": repository.id,
            "repository": repository.model_dump(mode="json"),
            "wanted": True,
            "state": "pending",
            "metadata": {},
            "changed_at": now,
        }
        for repository in sorted(repositories, key=lambda repository: repository.id)
    ]
    if not rows:
        return
    # Pages of repositories are cached, and have the state of each webhook.
    tx.mark_changed(rows[0]["organization_id"])
    new = insert_into(tx, REPOSITORY_WEBHOOKS)
    again = {name: new.excluded[name] for name in ("repository", "wanted", "state", "changed_at")} | {"reason": None}
    keys = [_TABLE.organization_id, _TABLE.installation_id, _TABLE.repository_id]
    tx.execute(new.on_conflict_do_update(index_elements=keys, set_=again), rows)


def request_removal(
    tx: Transaction, organization_id: int, installation_id: int, repository_id: int, now: datetime
) -> bool:
    """Save that a webhook is to be removed. Return whether there is one."""
    tx.mark_changed(organization_id)
    fields = {"wanted": False, "state": "pending", "reason": None, "changed_at": now}
    return _change(tx, _is_row(organization_id, installation_id, repository_id), fields)


def get(tx: Transaction, organization_id: int, installation_id: int, repository_id: int) -> RepositoryWebhook | None:
    """Return the webhook of a repository, for one installation."""
    query = select(REPOSITORY_WEBHOOKS).where(_is_row(organization_id, installation_id, repository_id))
    row = tx.execute(query).one_or_none()
    return _webhook(row) if row else None


def of_installation(tx: Transaction, organization_id: int, installation_id: int) -> list[RepositoryWebhook]:
    """Return the webhooks of an installation by repository, with those that are to be removed."""
    query = select(REPOSITORY_WEBHOOKS).where(_of_installation(organization_id, installation_id))
    return [_webhook(row) for row in tx.execute(query.order_by(_TABLE.repository_id))]


def of_repositories(tx: Transaction, repositories: Sequence[Repository]) -> dict[int, RepositoryWebhook]:
    """Return the webhooks of repositories of one organization, for the installations that they have now, by id."""
    owners = {each.id: each.installation_id for each in repositories if each.installation_id is not None}
    found: dict[int, RepositoryWebhook] = {}
    for piece in batches(owners):
        query = select(REPOSITORY_WEBHOOKS).where(
            _TABLE.organization_id == repositories[0].organization_id,
            _TABLE.installation_id.in_(sorted({owners[id_] for id_ in piece})),
            _TABLE.repository_id.in_(piece),
        )
        rows = map(_webhook, tx.execute(query))
        found |= {row.repository_id: row for row in rows if owners[row.repository_id] == row.installation_id}
    return found


def is_shared(tx: Transaction, webhook: RepositoryWebhook) -> bool:
    """Return whether another repository of the installation still needs the same webhook."""
    others = _of_installation(webhook.organization_id, webhook.installation_id) & (
        _TABLE.repository_id != webhook.repository_id
    )
    same = select(_TABLE.repository_id).where(others, _TABLE.wanted, _TABLE.external_id == webhook.external_id)
    return tx.execute(same.limit(1)).first() is not None


def save_registered(
    tx: Transaction,
    webhook: RepositoryWebhook,
    registered: RegisteredWebhook,
    address: str,
    now: datetime,
    *,
    final: bool = True,
) -> bool:
    """Save a registered webhook. Return False if its row is gone.

    ``final``: whether it stays so; otherwise a newer job is to register or remove it.
    """
    fields: dict[str, Any] = {
        "external_id": registered.external_id,
        "metadata": dict(registered.metadata),
        "address": address,
        "changed_at": now,
    }
    if final:
        fields |= {"state": "registered", "reason": None}
    tx.mark_changed(webhook.organization_id)
    return _change(tx, _is_same(webhook), fields)


def save_problem(tx: Transaction, webhook: RepositoryWebhook, state: WebhookState, reason: str, now: datetime) -> None:
    """Save why a webhook could not be registered or removed."""
    tx.mark_changed(webhook.organization_id)
    _change(tx, _is_same(webhook), {"state": state, "reason": reason, "changed_at": now})


def forget(tx: Transaction, webhook: RepositoryWebhook, *, final: bool = True) -> None:
    """Delete the row of a webhook that was removed; or, if a newer job needs the row, its id at the code host."""
    is_row = _is_same(webhook)
    tx.mark_changed(webhook.organization_id)
    if final:
        # Not a row that is wanted again since: a claim may have come between the call and this transaction.
        tx.execute(delete(REPOSITORY_WEBHOOKS).where(is_row, ~_TABLE.wanted))
    else:
        _change(tx, is_row, {"external_id": None, "metadata": {}, "address": None})


def _change(tx: Transaction, condition: ColumnElement[bool], fields: dict[str, Any]) -> bool:
    statement = update(REPOSITORY_WEBHOOKS).where(condition).values(fields)
    return tx.execute(statement.returning(_TABLE.repository_id)).first() is not None


def _of_installation(organization_id: int, installation_id: int) -> ColumnElement[bool]:
    return (_TABLE.organization_id == organization_id) & (_TABLE.installation_id == installation_id)


def _is_row(organization_id: int, installation_id: int, repository_id: int) -> ColumnElement[bool]:
    return _of_installation(organization_id, installation_id) & (_TABLE.repository_id == repository_id)


def _is_same(webhook: RepositoryWebhook) -> ColumnElement[bool]:
    return _is_row(webhook.organization_id, webhook.installation_id, webhook.repository_id)


def _webhook(row: AnyRow) -> RepositoryWebhook:
    fields = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    return RepositoryWebhook(**fields | {"repository": Repository.model_validate(fields["repository"])})
