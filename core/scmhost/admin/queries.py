"""What a look over all organizations finds. For the operator alone: no tenant may see another's rows."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import ColumnElement, func, or_, select, text, update

from scmhost.infra.db.base import AnyRow, AnySelect, JobRow, table_of
from scmhost.infra.db.engine import Transaction
from scmhost.infra.db.schema import ALL_TABLES
from scmhost.installations.tables import InstallationRow, WebhookSecretRow
from scmhost.links.tables import CodeMappingRow
from scmhost.organizations.tables import OrganizationRow, ProjectRow, TokenRow
from scmhost.repositories.tables import RepositoryRow

_ORGANIZATIONS: Final = table_of(OrganizationRow)
_PROJECTS: Final = table_of(ProjectRow)
_TOKENS: Final = table_of(TokenRow)
_INSTALLATIONS: Final = table_of(InstallationRow)
_REPOSITORIES: Final = table_of(RepositoryRow)
_MAPPINGS: Final = table_of(CodeMappingRow)
_JOBS: Final = table_of(JobRow)
_SECRETS: Final = table_of(WebhookSecretRow)


@dataclass(frozen=True, slots=True)
class Seen:
    """A row that was seen: whose it is, its id, what people call it, and a detail if it matters."""

    organization: str
    id: int
    name: str
    detail: str = ""
    moment: datetime | None = None
    count: int = 0


def write_nothing(tx: Transaction) -> None:
    """Ask for the rights that writing needs, on each table, and change no row."""
    for table in ALL_TABLES.sorted_tables:
        column = next(iter(table.columns))
        tx.execute(update(table).where(text("1 = 0")).values({column: column}))


def clock(tx: Transaction) -> datetime | None:
    """What time it is for the database; None where it has no clock of its own."""
    if tx.get_bind().dialect.name != "postgresql":
        return None
    now: datetime = tx.execute(select(func.clock_timestamp())).scalar_one()
    return now.astimezone(UTC)


def newest_row(tx: Transaction) -> datetime | None:
    """When the newest organization or token was made, by the clock of whoever made it."""
    moments = [tx.execute(select(func.max(table.c.created_at))).scalar() for table in (_ORGANIZATIONS, _TOKENS)]
    return max((moment for moment in moments if moment), default=None)


def tokens_ending(tx: Transaction, before: datetime) -> list[Seen]:
    """Tokens that nobody revoked and that end before a time."""
    alive = _TOKENS.c.revoked_at.is_(None) & (_TOKENS.c.expires_at <= before)
    query = select(_ORGANIZATIONS.c.slug, _TOKENS.c.id, _TOKENS.c.name, _TOKENS.c.expires_at)
    query = _of_organization(query, _TOKENS.c.organization_id).where(alive).order_by(_TOKENS.c.expires_at)
    return [Seen(row.slug, row.id, row.name, moment=row.expires_at) for row in tx.execute(query)]


def installed(tx: Transaction) -> list[Seen]:
    """All installations, with the provider as the detail."""
    query = select(_ORGANIZATIONS.c.slug, _INSTALLATIONS.c.id, _INSTALLATIONS.c.name, _INSTALLATIONS.c.provider)
    query = _of_organization(query, _INSTALLATIONS.c.organization_id).order_by(_INSTALLATIONS.c.id)
    return [Seen(row.slug, row.id, row.name, detail=row.provider) for row in tx.execute(query)]


def webhooks(tx: Transaction, now: datetime) -> int:
    """How many installations have a webhook whose secret still counts."""
    live = or_(_SECRETS.c.expires_at.is_(None), _SECRETS.c.expires_at > now)
    one = select(_SECRETS.c.organization_id, _SECRETS.c.installation_id).where(live).distinct().subquery()
    return int(tx.execute(select(func.count()).select_from(one)).scalar_one())


def unclaimed(tx: Transaction) -> list[Seen]:
    """Active repositories without an installation, with the number of their code mappings."""
    return _repositories(tx, _REPOSITORIES.c.installation_id.is_(None))


def without_url(tx: Transaction) -> list[Seen]:
    """Active repositories without a URL, with the number of their code mappings."""
    return _repositories(tx, _REPOSITORIES.c.url.is_(None))


def inactive(tx: Transaction) -> list[Seen]:
    """Repositories that are hidden or wait for their deletion, with the number of their code mappings."""
    return _repositories(tx, _REPOSITORIES.c.status != _ACTIVE, status=None)


def mapped_projects(tx: Transaction) -> list[tuple[str, int, int, str]]:
    """Projects with more than one code mapping: organization's slug and id, project's id and slug."""
    same = (_MAPPINGS.c.organization_id == _PROJECTS.c.organization_id) & (_MAPPINGS.c.project_id == _PROJECTS.c.id)
    key = (_ORGANIZATIONS.c.slug, _ORGANIZATIONS.c.id, _PROJECTS.c.id, _PROJECTS.c.slug)
    query = _of_organization(select(*key).join_from(_PROJECTS, _MAPPINGS, same), _PROJECTS.c.organization_id)
    found = tx.execute(query.group_by(*key).having(func.count() > 1).order_by(_PROJECTS.c.id))
    return [(row[0], row[1], row[2], row[3]) for row in found]


def overdue_jobs(tx: Transaction, now: datetime, due_before: datetime) -> list[Seen]:
    """Jobs that were due before a time and that no worker has."""
    free = or_(_JOBS.c.leased_until.is_(None), _JOBS.c.leased_until <= now)
    return _jobs(tx, (_JOBS.c.state == "waiting") & (_JOBS.c.due_at <= due_before) & free)


def failed_jobs(tx: Transaction) -> list[Seen]:
    """Jobs that were given up, with the last fault as the detail."""
    return _jobs(tx, _JOBS.c.state == "failed")


_ACTIVE: Final = "active"


def _repositories(tx: Transaction, condition: ColumnElement[bool], status: str | None = _ACTIVE) -> list[Seen]:
    mine = (_MAPPINGS.c.organization_id == _REPOSITORIES.c.organization_id) & (
        _MAPPINGS.c.repository_id == _REPOSITORIES.c.id
    )
    mappings = select(func.count()).select_from(_MAPPINGS).where(mine).scalar_subquery().label("mappings")
    query = select(
        _ORGANIZATIONS.c.slug, _REPOSITORIES.c.id, _REPOSITORIES.c.name, _REPOSITORIES.c.status, mappings
    ).where(condition)
    if status:
        query = query.where(_REPOSITORIES.c.status == status)
    query = _of_organization(query, _REPOSITORIES.c.organization_id).order_by(_REPOSITORIES.c.id)
    return [Seen(row.slug, row.id, row.name, detail=row.status, count=row.mappings) for row in tx.execute(query)]


def _jobs(tx: Transaction, condition: ColumnElement[bool]) -> list[Seen]:
    query = select(_ORGANIZATIONS.c.slug, _JOBS.c.id, _JOBS.c.kind, _JOBS.c.key, _JOBS.c.fault, _JOBS.c.due_at)
    query = _of_organization(query, _JOBS.c.organization_id).where(condition).order_by(_JOBS.c.due_at, _JOBS.c.id)
    return [_job(row) for row in tx.execute(query)]


def _job(row: AnyRow) -> Seen:
    return Seen(row.slug, row.id, f"{row.kind} {row.key}", detail=row.fault or "", moment=row.due_at)


def _of_organization(query: AnySelect, organization_id: ColumnElement[int]) -> AnySelect:
    return query.join(_ORGANIZATIONS, _ORGANIZATIONS.c.id == organization_id)
