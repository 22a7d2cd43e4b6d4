"""Queries over all organizations, for the operator, and of all rows of one organization that moves."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, Table, func, insert, or_, select, text, update

from scmhost.audit.tables import AUDIT_ENTRIES
from scmhost.commits.tables import COMMITS
from scmhost.infra.db.base import JOBS, AnyRow, AnySelect, Id, UtcDateTime
from scmhost.infra.db.engine import Transaction
from scmhost.infra.db.schema import ALL_TABLES
from scmhost.infra.db.statements import AUDIT, COMMON, new_ids
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


LEFT_OUT: Final = frozenset(
    {
        # Their texts contain the id of the organization, which is another one after the move.
        "redirect_keys",
        "tokens",
        # Derived from a key of this host and the id of the installation, and registered at code hosts with its address.
        "repository_webhooks",
        "webhook_secrets",
        "webhook_deliveries",
        # Of the caches of this host.
        "organization_versions",
        # Counters of what this host was asked for.
        "missing_frames",
        # Their addresses have the ids of this database, and they expire soon.
        "shared_traces",
        # Work that is under way here.
        "jobs",
        "pending_installations",
        "repository_syncs",
        # It describes people and their sessions on this host.
        "memberships",
        "people",
        "person_sessions",
        "sign_in_links",
    }
)
"""Tables whose rows make no sense in another database."""

Row = Mapping[str, Any]

_BATCH: Final = 1_000


def moved_tables() -> Sequence[Table]:
    """Return the tables of an organization's rows, each after those that it refers to."""
    return [table for table in ALL_TABLES.sorted_tables if "organization_id" in table.c and table.name not in LEFT_OUT]


def rows_of(tx: Transaction, table: Table, organization_id: int) -> Iterator[Row]:
    """Yield an organization's rows as JSON values, in the order of their keys, without the organization's id."""
    columns = [column for column in table.c if column.name != "organization_id"]
    query = select(*columns).where(table.c.organization_id == organization_id).order_by(*table.primary_key.columns)
    for row in tx.execute(query.execution_options(yield_per=_BATCH)):
        yield {
            column.name: value.isoformat() if isinstance(value, datetime) else value
            for column, value in zip(columns, row, strict=True)
        }


@dataclass(frozen=True, slots=True)
class NewIds:
    """The ids of an organization's rows in another database, by the old ones.

    Attributes:
        organization_id: the id of the organization here.
        common: the new id of each row. Ids of all tables but the audit log are from one series.
        audit: the same of the audit log.
    """

    organization_id: int
    common: dict[int, int] = field(default_factory=dict)
    audit: dict[int, int] = field(default_factory=dict)

    def add(self, tx: Transaction, table: Table, old: Sequence[int]) -> None:
        """Make a new id for each of a table's ids, in the same order: lists are sorted by them."""
        ordered = sorted(old)
        is_audit = table is AUDIT_ENTRIES
        made = new_ids(tx, len(ordered), AUDIT if is_audit else COMMON)
        (self.audit if is_audit else self.common).update(zip(ordered, made, strict=True))

    def moved(self, column: Column[Any], value: Any) -> Any:
        """Return the value of a column here."""
        if column.name == "organization_id" or value is None:
            return value
        if column.name == "author_ids":
            return [self.common[one] for one in value]
        if not _is_reference(column):
            return value
        if column.name == "id":
            return (self.audit if column.table is AUDIT_ENTRIES else self.common)[value]
        # What a row names without a foreign key may have been deleted, or stay behind, as tokens do.
        return self.common.get(value, None if column.nullable else 0)


def write_rows(tx: Transaction, table: Table, rows: Iterator[Row], ids: NewIds) -> int:
    """Save rows with JSON values, with the ids of this database. Return their number."""
    count = 0
    batch: list[Row] = []
    for row in rows:
        batch.append({name: ids.moved(table.c[name], _value(table.c[name], value)) for name, value in row.items()})
        count += 1
        if len(batch) == _BATCH:
            tx.execute(insert(table), batch)
            batch = []
    if batch:
        tx.execute(insert(table), batch)
    return count


def create_organization(tx: Transaction, organization_id: int, row: Row) -> None:
    """Save an organization with this id."""
    created = datetime.fromisoformat(row["created_at"])
    tx.execute(insert(ORGANIZATIONS).values(**{**row, "id": organization_id, "created_at": created}))


def commits_by_repository(tx: Transaction, organization_id: int) -> Mapping[int, tuple[int, int]]:
    """Return the first and the last id of the commits of each repository."""
    own = COMMITS.c
    query = select(own.repository_id, func.min(own.id), func.max(own.id)).where(own.organization_id == organization_id)
    return {repository: (first, last) for repository, first, last in tx.execute(query.group_by(own.repository_id))}


def organization_row(tx: Transaction, organization_id: int) -> Row:
    """Return an organization's own row as JSON values, without its id."""
    row = tx.execute(select(ORGANIZATIONS).where(ORGANIZATIONS.c.id == organization_id)).one()
    return {"slug": row.slug, "name": row.name, "created_at": row.created_at.isoformat()}


def _value(column: Column[Any], value: Any) -> Any:
    return datetime.fromisoformat(value) if isinstance(column.type, UtcDateTime) and value else value


def _is_reference(column: Column[Any]) -> bool:
    """Return whether a column has an id of the organization's rows: its own, or that of another row."""
    return isinstance(column.type, Id) and (column.name == "id" or column.name.endswith("_id"))
