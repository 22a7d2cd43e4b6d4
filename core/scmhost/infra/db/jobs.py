"""Jobs: work for later. One worker leases a job at a time, and another takes it when the lease ends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Insert, bindparam, case, delete, func, or_, select, update

from scmhost.infra.db.statements import DriverQuery, new_id, new_ids
from scmhost.sdk import JsonObject

from .base import JOBS, AnyRow, insert_for
from .engine import Transaction


@dataclass(frozen=True, slots=True)
class QueuedJob:
    """Work for later.

    Attributes:
        failed: it is not tried again.
        fault: the error of the last attempt.
        abandoned: the worker of the last attempt ended without a result.
    """

    id: int
    organization_id: int
    kind: str
    key: str
    payload: JsonObject
    failed: bool
    attempts: int
    fault: str | None
    abandoned: bool = False


_WAITING: Final = "waiting"
_FAILED: Final = "failed"


_KEYS: Final = ("organization_id", "kind", "key")
_REST: Final = ("id", "payload", "state", "attempts", "due_at", "leased_until", "fault")


def put(tx: Transaction, organization_id: int, kind: str, key: str, payload: JsonObject, due_at: datetime) -> None:
    """Save a job that is due at a time. It replaces a job of the same kind and key."""
    values = (organization_id, kind, key, new_id(tx), payload, _WAITING, 0, due_at, None, None)
    _UPSERT.rows(tx, dict(zip((*_KEYS, *_REST), values, strict=True)))


def _upsert(dialect: str) -> Insert:
    new = insert_for(dialect, JOBS)
    rest = {name: new.excluded[name] for name in _REST}
    return new.on_conflict_do_update(index_elements=[JOBS.c[name] for name in _KEYS], set_=rest)


# Every request with commits saves a job.
_UPSERT: Final = DriverQuery(_upsert)


def lease(tx: Transaction, now: datetime, until: datetime) -> QueuedJob | None:
    """Lease the job that has been due for longest, of any organization. Return None if no job is due.

    Two workers never lease the same job at once.
    """
    free = or_(JOBS.c.leased_until.is_(None), JOBS.c.leased_until <= now)
    columns = (JOBS.c.organization_id, JOBS.c.id, JOBS.c.leased_until)
    due = select(*columns).where(JOBS.c.state == _WAITING, JOBS.c.due_at <= now, free)
    # PostgreSQL skips jobs that other workers are leasing now. SQLite has only one writer at a time.
    first = due.order_by(JOBS.c.due_at, JOBS.c.id).limit(1).with_for_update(skip_locked=True)
    job = tx.execute(first).one_or_none()
    if job is None:
        return None
    # Counted now and not at the end: an attempt that kills its worker counts too.
    fields = {"attempts": JOBS.c.attempts + 1, "leased_until": until}
    is_row = _is_row(job.organization_id, job.id)
    leased = _job(tx.execute(update(JOBS).where(is_row).values(fields).returning(JOBS)).one())
    # Every end of an attempt removes its lease.
    return replace(leased, abandoned=job.leased_until is not None)


def lease_others(tx: Transaction, job: QueuedJob, start: str, now: datetime, until: datetime) -> list[QueuedJob]:
    """Lease the other jobs of a job's kind whose keys have this prefix, due or not, that no worker has."""
    free = or_(JOBS.c.leased_until.is_(None), JOBS.c.leased_until <= now)
    of_kind = (JOBS.c.organization_id == job.organization_id) & (JOBS.c.kind == job.kind) & (JOBS.c.id != job.id)
    others = select(JOBS.c.id).where(of_kind, free, JOBS.c.key.startswith(start, autoescape=True))
    # A job that another worker leases just now is not waited for.
    ids = others.with_for_update(skip_locked=True)
    same = (JOBS.c.organization_id == job.organization_id) & JOBS.c.id.in_(ids)
    return [_job(row) for row in tx.execute(update(JOBS).where(same).values(leased_until=until).returning(JOBS))]


def is_due(tx: Transaction, now: datetime) -> bool:
    """Return whether a job may be due. This takes no lock, unlike ``lease``, so that idle workers block no other."""
    due = select(JOBS.c.id).where(JOBS.c.state == _WAITING, JOBS.c.due_at <= now).limit(1)
    return tx.execute(due).first() is not None


def finish(tx: Transaction, job: QueuedJob) -> bool:
    """Delete a job that is done. Return False if another job has replaced it."""
    # A job that replaced this one has another id, so it stays.
    statement = delete(JOBS).where(_is_row(job.organization_id, job.id)).returning(JOBS.c.id)
    return tx.execute(statement).first() is not None


def cancel(tx: Transaction, job: QueuedJob) -> bool:
    """Delete a job that no worker has begun. Return False if one has, or if another job has replaced it."""
    not_begun = _is_row(job.organization_id, job.id) & (JOBS.c.attempts == 0)
    return tx.execute(delete(JOBS).where(not_begun).returning(JOBS.c.id)).first() is not None


def retry(tx: Transaction, job: QueuedJob, due_at: datetime, fault: str, *, counts: bool = True) -> None:
    """Make a job due again at a later time. ``counts``: whether the attempt is one of those that it has."""
    # The lease has counted it already.
    attempts = job.attempts if counts else job.attempts - 1
    _change(tx, job, {"due_at": due_at, "leased_until": None, "fault": fault, "attempts": attempts})


def fail(tx: Transaction, job: QueuedJob, fault: str) -> None:
    """Mark a job as failed for good. It is kept, so that operators see the error."""
    _change(tx, job, {"state": _FAILED, "leased_until": None, "fault": fault})


def count_by_state(tx: Transaction, now: datetime, overdue_before: datetime) -> dict[str, int]:
    """The jobs of all organizations: ``waiting``, ``overdue`` (due since before, and no worker has it), ``failed``."""
    free = or_(JOBS.c.leased_until.is_(None), JOBS.c.leased_until <= now)
    overdue = (JOBS.c.due_at <= overdue_before) & free
    state = case((JOBS.c.state == _FAILED, _FAILED), (overdue, "overdue"), else_=_WAITING).label("state")
    inner = select(state).subquery()
    rows = tx.execute(select(inner.c.state, func.count()).group_by(inner.c.state))
    # A state without jobs has no row.
    return dict.fromkeys((_WAITING, "overdue", _FAILED), 0) | {row[0]: row[1] for row in rows}


def with_key_prefix(tx: Transaction, organization_id: int, kind: str, start: str) -> Sequence[QueuedJob]:
    """Return the jobs of a kind whose keys have this prefix, by key."""
    # Keys contain "_" and "%", which LIKE would read as wildcards.
    pattern = start.replace("/", "//").replace("_", "/_").replace("%", "/%") + "%"
    return [
        _job(row) for row in tx.execute(_WITH_PREFIX, {"organization": organization_id, "of": kind, "keys": pattern})
    ]


_WITH_PREFIX: Final = (
    select(JOBS)
    .where(
        JOBS.c.organization_id == bindparam("organization"),
        JOBS.c.kind == bindparam("of"),
        JOBS.c.key.like(bindparam("keys"), escape="/"),
    )
    .order_by(JOBS.c.key)
)


def put_many(
    tx: Transaction, organization_id: int, kind: str, payloads: Mapping[str, JsonObject], due_at: datetime
) -> None:
    """Save jobs of one kind by key, as ``put`` does for one. They are leased in the order of the mapping."""
    ids = dict(zip(payloads, new_ids(tx, len(payloads)), strict=True))
    row = {"organization_id": organization_id, "kind": kind, "state": _WAITING, "attempts": 0, "due_at": due_at}
    rows = [
        row | {"key": key, "id": ids[key], "payload": payloads[key], "leased_until": None, "fault": None}
        # In the order of their key, in which everyone inserts, so that no two writers block each other.
        for key in sorted(payloads)
    ]
    if rows:
        tx.execute(_upsert(tx.get_bind().dialect.name), rows)


def _change(tx: Transaction, job: QueuedJob, fields: dict[str, Any]) -> None:
    tx.execute(update(JOBS).where(_is_row(job.organization_id, job.id)).values(fields))


def _is_row(organization_id: int, job_id: int) -> ColumnElement[bool]:
    return (JOBS.c.organization_id == organization_id) & (JOBS.c.id == job_id)


def _job(row: AnyRow) -> QueuedJob:
    return QueuedJob(
        id=row.id,
        organization_id=row.organization_id,
        kind=row.kind,
        key=row.key,
        payload=row.payload,
        failed=row.state == _FAILED,
        attempts=row.attempts,
        fault=row.fault,
    )
