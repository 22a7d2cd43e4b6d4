"""What a look over all organizations finds. For the operator alone: no tenant may see another's rows."""

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
from scmhost.repositories.tables import REPOSITORIES


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
    moments = [tx.execute(select(func.max(table.c.created_at))).scalar() for table in (ORGANIZATIONS, TOKENS)]
    return max((moment for moment in moments if moment), default=None)


def tokens_ending(tx: Transaction, before: datetime) -> list[Seen]:
    """Tokens that nobody revoked and that end before a time."""
    alive = TOKENS.c.revoked_at.is_(None) & (TOKENS.c.expires_at <= before)
    query = select(ORGANIZATIONS.c.slug, TOKENS.c.id, TOKENS.c.name, TOKENS.c.expires_at)
    query = _of_organization(query, TOKENS.c.organization_id).where(alive).order_by(TOKENS.c.expires_at)
    return [Seen(row.slug, row.id, row.name, moment=row.expires_at) for row in tx.execute(query)]


def installed(tx: Transaction) -> list[Seen]:
    """All installations, with the provider as the detail."""
    query = select(ORGANIZATIONS.c.slug, INSTALLATIONS.c.id, INSTALLATIONS.c.name, INSTALLATIONS.c.provider)
    query = _of_organization(query, INSTALLATIONS.c.organization_id).order_by(INSTALLATIONS.c.id)
    return [Seen(row.slug, row.id, row.name, detail=row.provider) for row in tx.execute(query)]


def webhooks(tx: Transaction, now: datetime) -> int:
    """How many installations have a webhook whose secret still counts."""
    live = or_(WEBHOOK_SECRETS.c.expires_at.is_(None), WEBHOOK_SECRETS.c.expires_at > now)
    one = select(WEBHOOK_SECRETS.c.organization_id, WEBHOOK_SECRETS.c.installation_id).where(live).distinct().subquery()
    return int(tx.execute(select(func.count()).select_from(one)).scalar_one())


def unclaimed(tx: Transaction) -> list[Seen]:
    """Active repositories without an installation, with the number of their code mappings."""
    return _repositories(tx, REPOSITORIES.c.installation_id.is_(None))


def without_url(tx: Transaction) -> list[Seen]:
    """Active repositories without a URL, with the number of their code mappings."""
    return _repositories(tx, REPOSITORIES.c.url.is_(None))


def inactive(tx: Transaction) -> list[Seen]:
    """Repositories that are hidden or wait for their deletion, with the number of their code mappings."""
    return _repositories(tx, REPOSITORIES.c.status != _ACTIVE, status=None)


def mapped_projects(tx: Transaction) -> list[tuple[str, int, int, str]]:
    """Projects with more than one code mapping: organization's slug and id, project's id and slug."""
    same = (CODE_MAPPINGS.c.organization_id == PROJECTS.c.organization_id) & (
        CODE_MAPPINGS.c.project_id == PROJECTS.c.id
    )
    key = (ORGANIZATIONS.c.slug, ORGANIZATIONS.c.id, PROJECTS.c.id, PROJECTS.c.slug)
    query = _of_organization(select(*key).join_from(PROJECTS, CODE_MAPPINGS, same), PROJECTS.c.organization_id)
    found = tx.execute(query.group_by(*key).having(func.count() > 1).order_by(PROJECTS.c.id))
    return [(row[0], row[1], row[2], row[3]) for row in found]


def overdue_jobs(tx: Transaction, now: datetime, due_before: datetime) -> list[Seen]:
    """Jobs that were due before a time and that no worker has."""
    free = or_(JOBS.c.leased_until.is_(None), JOBS.c.leased_until <= now)
    return _jobs(tx, (JOBS.c.state == "waiting") & (JOBS.c.due_at <= due_before) & free)


def failed_jobs(tx: Transaction) -> list[Seen]:
    """Jobs that were given up, with the last fault as the detail."""
    return _jobs(tx, JOBS.c.state == "failed")


_ACTIVE: Final = "active"


def _repositories(tx: Transaction, condition: ColumnElement[bool], status: str | None = _ACTIVE) -> list[Seen]:
    mine = (CODE_MAPPINGS.c.organization_id == REPOSITORIES.c.organization_id) & (
        CODE_MAPPINGS.c.repository_id == REPOSITORIES.c.id
    )
    mappings = select(func.count()).select_from(CODE_MAPPINGS).where(mine).scalar_subquery().label("mappings")
    query = select(ORGANIZATIONS.c.slug, REPOSITORIES.c.id, REPOSITORIES.c.name, REPOSITORIES.c.status, mappings).where(
        condition
    )
    if status:
        query = query.where(REPOSITORIES.c.status == status)
    query = _of_organization(query, REPOSITORIES.c.organization_id).order_by(REPOSITORIES.c.id)
    return [Seen(row.slug, row.id, row.name, detail=row.status, count=row.mappings) for row in tx.execute(query)]


def _jobs(tx: Transaction, condition: ColumnElement[bool]) -> list[Seen]:
    query = select(ORGANIZATIONS.c.slug, JOBS.c.id, JOBS.c.kind, JOBS.c.key, JOBS.c.fault, JOBS.c.due_at)
    query = _of_organization(query, JOBS.c.organization_id).where(condition).order_by(JOBS.c.due_at, JOBS.c.id)
    return [_job(row) for row in tx.execute(query)]


def _job(row: AnyRow) -> Seen:
    return Seen(row.slug, row.id, f"{row.kind} {row.key}", detail=row.fault or "", moment=row.due_at)


def _of_organization(query: AnySelect, organization_id: ColumnElement[int]) -> AnySelect:
    return query.join(ORGANIZATIONS, ORGANIZATIONS.c.id == organization_id)
