"""Queries over all organizations, for the operator: no tenant may read another's rows."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import ColumnElement, func, or_, select, text, update

from scmhost.infra.db.base import JOBS, AnyRow, AnySelect
from scmhost.infra.db.engine import Transaction
from scmhost.infra.db.schema import ALL_TABLES
from scmhost.installations.tables import INSTALLATIONS, WEBHOOK_SECRETS
from scmhost.links.tables import CODE_MAPPINGS
from scmhost.organizations.tables import ORGANIZATIONS, PROJECTS, TOKENS
from scmhost.repositories.tables import REPOSITORIES, REPOSITORY_WEBHOOKS

_ACTIVE: Final = "active"


@dataclass(frozen=True, slots=True)
class TenantRow:
    """A row of any organization: the organization's slug, the row's id and name, and more where it matters.

    Attributes:
        organization: the organization's slug.
        id: the row's id.
        name: the row's name as people see it.
        detail: an installation's provider, a repository's status, or a job's last fault.
        moment: when a token expires or a job was due.
        count: the number of code mappings of a repository.
    """

    organization: str
    id: int
    name: str
    detail: str = ""
    moment: datetime | None = None
    count: int = 0


@dataclass(frozen=True, slots=True)
class WebhookRow:
    """A webhook that is to be registered at a code host, or to be removed from it, with the organization's slug."""

    organization: str
    installation_id: int
    repository: str
    wanted: bool
    state: str
    reason: str | None
    address: str | None


def check_write_access(tx: Transaction) -> None:
    """Run an update of every table that matches no row. It fails for a database user without write permission."""
    for table in ALL_TABLES.sorted_tables:
        # Any column will do: permissions are checked before the condition, and no row is changed.
        column = next(iter(table.columns))
        tx.execute(update(table).where(text("1 = 0")).values({column: column}))


def database_time(tx: Transaction) -> datetime | None:
    """Return the time of the database server; None for SQLite, which uses this machine's clock."""
    # SQLite runs in this process, so that its clock cannot differ.
    if tx.get_bind().dialect.name != "postgresql":
        return None
    # Not now(): in PostgreSQL that is the start of the transaction.
    now: datetime = tx.execute(select(func.clock_timestamp())).scalar_one()
    return now.astimezone(UTC)


def newest_row_time(tx: Transaction) -> datetime | None:
    """Return when the newest organization or token was created, by the clock of the machine that created it."""
    moments = [tx.execute(select(func.max(table.c.created_at))).scalar() for table in (ORGANIZATIONS, TOKENS)]
    return max((moment for moment in moments if moment), default=None)


def tokens_expiring(tx: Transaction, before: datetime) -> list[TenantRow]:
    """Return the tokens that expire before a time and are not revoked."""
    valid = TOKENS.c.revoked_at.is_(None) & (TOKENS.c.expires_at <= before)
    query = select(ORGANIZATIONS.c.slug, TOKENS.c.id, TOKENS.c.name, TOKENS.c.expires_at)
    query = _with_organization(query, TOKENS.c.organization_id).where(valid).order_by(TOKENS.c.expires_at)
    return [TenantRow(row.slug, row.id, row.name, moment=row.expires_at) for row in tx.execute(query)]


def all_installations(tx: Transaction) -> list[TenantRow]:
    """Return all installations, with the provider as the detail."""
    query = select(ORGANIZATIONS.c.slug, INSTALLATIONS.c.id, INSTALLATIONS.c.name, INSTALLATIONS.c.provider)
    query = _with_organization(query, INSTALLATIONS.c.organization_id).order_by(INSTALLATIONS.c.id)
    return [TenantRow(row.slug, row.id, row.name, detail=row.provider) for row in tx.execute(query)]


def count_webhooks(tx: Transaction, now: datetime) -> int:
    """Count the installations with a webhook secret that has not expired."""
    live = or_(WEBHOOK_SECRETS.c.expires_at.is_(None), WEBHOOK_SECRETS.c.expires_at > now)
    # An installation has several live secrets while one of them is being replaced.
    one = select(WEBHOOK_SECRETS.c.organization_id, WEBHOOK_SECRETS.c.installation_id).where(live).distinct().subquery()
    return int(tx.execute(select(func.count()).select_from(one)).scalar_one())


def troubled_webhooks(tx: Transaction, url: str | None) -> list[WebhookRow]:
    """Return the webhooks that could not be registered or removed, or whose address is not below a URL."""
    table = REPOSITORY_WEBHOOKS.c
    troubled = table.state == "failed"
    if url is not None:
        troubled |= ~table.address.startswith(f"{url}/", autoescape=True)
    query = _with_organization(select(ORGANIZATIONS.c.slug, REPOSITORY_WEBHOOKS), table.organization_id)
    rows = tx.execute(query.where(troubled).order_by(table.organization_id, table.installation_id, table.repository_id))
    return [
        WebhookRow(
            row.slug, row.installation_id, str(row.repository["name"]), row.wanted, row.state, row.reason, row.address
        )
        for row in rows
    ]


def installations_without_webhooks(tx: Transaction, providers: Collection[str]) -> list[TenantRow]:
    """Return the installations of these providers that have active repositories without a webhook; these are counted.

    Webhooks that are pending or failed count as webhooks.
    """
    own = (REPOSITORIES.c.organization_id == INSTALLATIONS.c.organization_id) & (
        REPOSITORIES.c.installation_id == INSTALLATIONS.c.id
    )
    hooks = REPOSITORY_WEBHOOKS.c
    known = (
        select(hooks.repository_id)
        .where(
            hooks.organization_id == REPOSITORIES.c.organization_id,
            hooks.installation_id == REPOSITORIES.c.installation_id,
            hooks.repository_id == REPOSITORIES.c.id,
        )
        .exists()
    )
    columns = (ORGANIZATIONS.c.slug, INSTALLATIONS.c.id, INSTALLATIONS.c.name)
    query = select(*columns, func.count().label("repositories")).join_from(INSTALLATIONS, REPOSITORIES, own)
    query = _with_organization(query, INSTALLATIONS.c.organization_id).where(
        INSTALLATIONS.c.provider.in_(sorted(providers)), REPOSITORIES.c.status == _ACTIVE, ~known
    )
    rows = tx.execute(query.group_by(*columns).order_by(INSTALLATIONS.c.id))
    return [TenantRow(row.slug, row.id, row.name, count=row.repositories) for row in rows]


def unclaimed_repositories(tx: Transaction) -> list[TenantRow]:
    """Return the active repositories without an installation."""
    return _repositories(tx, REPOSITORIES.c.installation_id.is_(None) & (REPOSITORIES.c.status == _ACTIVE))


def repositories_without_url(tx: Transaction) -> list[TenantRow]:
    """Return the active repositories without a URL."""
    return _repositories(tx, REPOSITORIES.c.url.is_(None) & (REPOSITORIES.c.status == _ACTIVE))


def inactive_repositories(tx: Transaction) -> list[TenantRow]:
    """Return the repositories that are hidden or will be deleted."""
    return _repositories(tx, REPOSITORIES.c.status != _ACTIVE)


def projects_with_several_mappings(tx: Transaction) -> list[tuple[str, int, int, str]]:
    """Return the organization's slug and id and the project's id and slug of projects with several code mappings."""
    same = (CODE_MAPPINGS.c.organization_id == PROJECTS.c.organization_id) & (
        CODE_MAPPINGS.c.project_id == PROJECTS.c.id
    )
    columns = (ORGANIZATIONS.c.slug, ORGANIZATIONS.c.id, PROJECTS.c.id, PROJECTS.c.slug)
    query = _with_organization(select(*columns).join_from(PROJECTS, CODE_MAPPINGS, same), PROJECTS.c.organization_id)
    rows = tx.execute(query.group_by(*columns).having(func.count() > 1).order_by(PROJECTS.c.id))
    return [(row[0], row[1], row[2], row[3]) for row in rows]


def overdue_jobs(tx: Transaction, now: datetime, due_before: datetime, limit: int | None = None) -> list[TenantRow]:
    """Return the jobs that were due before a time and that no worker is running."""
    # A leased job is running, even if it was due long ago.
    free = or_(JOBS.c.leased_until.is_(None), JOBS.c.leased_until <= now)
    return _jobs(tx, (JOBS.c.state == "waiting") & (JOBS.c.due_at <= due_before) & free, limit)


def waiting_jobs(tx: Transaction, due_after: datetime, limit: int | None = None) -> list[TenantRow]:
    """Return the jobs that are due after a time, with the fault of the last attempt as the detail."""
    return _jobs(tx, (JOBS.c.state == "waiting") & (JOBS.c.due_at > due_after), limit)


def failed_jobs(tx: Transaction, limit: int | None = None) -> list[TenantRow]:
    """Return the jobs that are not tried again, with the last fault as the detail."""
    return _jobs(tx, JOBS.c.state == "failed", limit)


def _repositories(tx: Transaction, condition: ColumnElement[bool]) -> list[TenantRow]:
    """Return repositories with their status as the detail and the number of their code mappings as the count."""
    own = (CODE_MAPPINGS.c.organization_id == REPOSITORIES.c.organization_id) & (
        CODE_MAPPINGS.c.repository_id == REPOSITORIES.c.id
    )
    # A subquery instead of a join with GROUP BY: repositories without code mappings must be listed with 0.
    mappings = select(func.count()).select_from(CODE_MAPPINGS).where(own).scalar_subquery().label("mappings")
    query = select(ORGANIZATIONS.c.slug, REPOSITORIES.c.id, REPOSITORIES.c.name, REPOSITORIES.c.status, mappings)
    query = _with_organization(query.where(condition), REPOSITORIES.c.organization_id).order_by(REPOSITORIES.c.id)
    return [TenantRow(row.slug, row.id, row.name, detail=row.status, count=row.mappings) for row in tx.execute(query)]


def _jobs(tx: Transaction, condition: ColumnElement[bool], limit: int | None) -> list[TenantRow]:
    query = select(ORGANIZATIONS.c.slug, JOBS.c.id, JOBS.c.kind, JOBS.c.key, JOBS.c.fault, JOBS.c.due_at)
    query = _with_organization(query, JOBS.c.organization_id).where(condition).order_by(JOBS.c.due_at, JOBS.c.id)
    query = query.limit(limit)
    return [_job(row) for row in tx.execute(query)]


def _job(row: AnyRow) -> TenantRow:
    return TenantRow(row.slug, row.id, f"{row.kind} {row.key}", detail=row.fault or "", moment=row.due_at)


def _with_organization(query: AnySelect, organization_id: ColumnElement[int]) -> AnySelect:
    return query.join(ORGANIZATIONS, ORGANIZATIONS.c.id == organization_id)
