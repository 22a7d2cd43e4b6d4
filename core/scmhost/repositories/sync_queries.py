"""SQL of the synchronization: which installations are due, their repositories, and the last result."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select, update

from scmhost.infra.db.engine import Transaction
from scmhost.infra.db.statements import batches, insert_into, insert_missing
from scmhost.installations.tables import INSTALLATIONS
from scmhost.sdk import Repository

from .queries import COLUMNS, HOLDERS, repository_of
from .tables import REPOSITORIES, REPOSITORY_SYNCS


@dataclass(frozen=True, slots=True)
class StoredSync:
    """The last result of an installation, and when it is compared with its code host again.

    Attributes:
        due_at: when the next job is due.
        finished_at: when the last one ended; None before the first.
        checked: how many repositories the plugin got.
        changed: how many of them have changed.
        notes: what could not be applied, in sentences.
        fault: why the code host was not asked.
    """

    due_at: datetime
    finished_at: datetime | None = None
    checked: int = 0
    changed: int = 0
    notes: Sequence[str] = ()
    fault: str | None = None


Key = tuple[int, int]
"""The id of an organization, and that of one of its installations."""

_OF_INSTALLATION = and_(
    REPOSITORY_SYNCS.c.organization_id == INSTALLATIONS.c.organization_id,
    REPOSITORY_SYNCS.c.installation_id == INSTALLATIONS.c.id,
)


def unscheduled(tx: Transaction, providers: Collection[str], limit: int) -> list[Key]:
    """Return installations of these providers that have never been scheduled."""
    query = (
        select(INSTALLATIONS.c.organization_id, INSTALLATIONS.c.id)
        .outerjoin(REPOSITORY_SYNCS, _OF_INSTALLATION)
        .where(INSTALLATIONS.c.provider.in_(sorted(providers)), REPOSITORY_SYNCS.c.due_at.is_(None))
    )
    return [(row[0], row[1]) for row in tx.execute(query.limit(limit))]


def schedule(tx: Transaction, due: Iterable[tuple[Key, datetime]]) -> None:
    """Set the first time at which installations are due. Those that have one keep it."""
    empty: dict[str, Any] = {"finished_at": None, "checked": 0, "changed": 0, "notes": [], "fault": None}
    rows = [{"organization_id": key[0], "installation_id": key[1], "due_at": moment, **empty} for key, moment in due]
    # In one order, so that two workers that schedule the same installations cannot deadlock.
    insert_missing(tx, REPOSITORY_SYNCS, sorted(rows, key=lambda row: (row["organization_id"], row["installation_id"])))


def due(tx: Transaction, providers: Collection[str], now: datetime, longest: timedelta, limit: int) -> list[Key]:
    """Return installations of these providers that are due.

    ``longest`` is the longest time between two jobs: one that is further away was scheduled with another interval.
    """
    table = REPOSITORY_SYNCS.c
    query = (
        select(table.organization_id, table.installation_id)
        .join(INSTALLATIONS, _OF_INSTALLATION)
        .where(INSTALLATIONS.c.provider.in_(sorted(providers)), _is_due(now, longest))
    )
    return [(row[0], row[1]) for row in tx.execute(query.order_by(table.due_at).limit(limit))]


def take(tx: Transaction, key: Key, now: datetime, longest: timedelta, next_at: datetime) -> bool:
    """Move an installation that is due to its next time. Return False if another worker has done so."""
    # The condition is checked again in the update: two workers may have read that it is due.
    statement = update(REPOSITORY_SYNCS).where(_is_row(key), _is_due(now, longest)).values(due_at=next_at)
    return tx.execute(statement.returning(REPOSITORY_SYNCS.c.due_at)).first() is not None


def get_sync(tx: Transaction, key: Key) -> StoredSync | None:
    """Return the last result of an installation; None if it has never been scheduled."""
    row = tx.execute(select(REPOSITORY_SYNCS).where(_is_row(key))).one_or_none()
    return StoredSync(**{field.name: getattr(row, field.name) for field in fields(StoredSync)}) if row else None


def save_result(tx: Transaction, key: Key, result: StoredSync) -> None:
    """Save the result of an installation. One that is scheduled keeps its time."""
    values: dict[str, Any] = {field.name: getattr(result, field.name) for field in fields(StoredSync)}
    values["notes"] = list(result.notes)
    new = insert_into(tx, REPOSITORY_SYNCS).values(organization_id=key[0], installation_id=key[1], **values)
    # A worker has moved the time when it took the installation; the result must not move it back.
    changed = {name: value for name, value in values.items() if name != "due_at"}
    tx.execute(new.on_conflict_do_update(index_elements=list(REPOSITORY_SYNCS.primary_key), set_=changed))


def repositories_after(tx: Transaction, key: Key, after: int, limit: int) -> list[Repository]:
    """Return the active and hidden repositories of an installation whose id is greater, by id."""
    own = and_(REPOSITORIES.c.organization_id == key[0], REPOSITORIES.c.installation_id == key[1])
    query = select(*COLUMNS).where(own, REPOSITORIES.c.status.in_(HOLDERS), REPOSITORIES.c.id > after)
    return [repository_of(row) for row in tx.execute(query.order_by(REPOSITORIES.c.id).limit(limit))]


def host_names(tx: Transaction, organization_id: int, ids: Iterable[int]) -> dict[int, str | None]:
    """Return the names that the code host reported last, by the id of the repository. Locks the repositories."""
    query = select(REPOSITORIES.c.id, REPOSITORIES.c.host_name).where(REPOSITORIES.c.organization_id == organization_id)
    found: dict[int, str | None] = {}
    for piece in batches(sorted(ids)):
        rows = query.where(REPOSITORIES.c.id.in_(piece)).order_by(REPOSITORIES.c.id).with_for_update()
        found |= {row.id: row.host_name for row in tx.execute(rows)}
    return found


def free_names(tx: Transaction, organization_id: int, ids: Iterable[int]) -> None:
    """Free the names of repositories until each gets another one in this transaction: two may exchange theirs."""
    for id_ in ids:
        is_row = and_(REPOSITORIES.c.organization_id == organization_id, REPOSITORIES.c.id == id_)
        # No name has a line break.
        tx.execute(update(REPOSITORIES).where(is_row).values(name_key=f"\n{id_}"))


def _is_due(now: datetime, longest: timedelta) -> ColumnElement[bool]:
    return or_(REPOSITORY_SYNCS.c.due_at <= now, REPOSITORY_SYNCS.c.due_at > now + longest)


def _is_row(key: Key) -> ColumnElement[bool]:
    return and_(REPOSITORY_SYNCS.c.organization_id == key[0], REPOSITORY_SYNCS.c.installation_id == key[1])
