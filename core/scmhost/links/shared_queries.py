"""SQL of traces that people share."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast

from sqlalchemy import ColumnElement, delete, insert, select

from scmhost.infra.db.base import AnyRow
from scmhost.infra.db.engine import Transaction
from scmhost.infra.db.statements import new_id
from scmhost.services import Actor, ActorKind

from .tables import SHARED_TRACES

_TABLE: Final = SHARED_TRACES.c
_LISTED: Final = (
    _TABLE.id,
    _TABLE.project_id,
    _TABLE.actor_kind,
    _TABLE.actor_id,
    _TABLE.actor_name,
    _TABLE.created_at,
    _TABLE.expires_at,
)


@dataclass(frozen=True, slots=True)
class TraceDraft:
    """A trace to share."""

    project_id: int
    text: str
    release: str | None
    commit: str | None
    actor: Actor
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SharedTrace:
    """A shared trace, without its text.

    Attributes:
        actor: who shares it.
    """

    id: int
    project_id: int
    actor: Actor
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SharedText:
    """The text of a shared trace, and what it was linked with."""

    shared: SharedTrace
    text: str
    release: str | None
    commit: str | None


def add(tx: Transaction, organization_id: int, draft: TraceDraft) -> SharedTrace:
    """Save a trace."""
    row = {
        "organization_id": organization_id,
        "id": new_id(tx),
        "project_id": draft.project_id,
        "text": draft.text,
        "release_version": draft.release,
        "commit_sha": draft.commit,
        "actor_kind": draft.actor.kind,
        "actor_id": draft.actor.id,
        "actor_name": draft.actor.name,
        "created_at": draft.created_at,
        "expires_at": draft.expires_at,
    }
    return _shared(tx.execute(insert(SHARED_TRACES).values(row).returning(*_LISTED)).one())


def equal_to(tx: Transaction, organization_id: int, draft: TraceDraft) -> SharedTrace | None:
    """Return a trace that the same person has shared with the same text, release and commit, until later than now."""
    same = (
        _TABLE.text == draft.text,
        _TABLE.release_version.is_not_distinct_from(draft.release),
        _TABLE.commit_sha.is_not_distinct_from(draft.commit),
        _TABLE.actor_kind == draft.actor.kind,
        _TABLE.actor_id.is_not_distinct_from(draft.actor.id),
        _TABLE.actor_name == draft.actor.name,
    )
    query = select(*_LISTED).where(_live(organization_id, draft.project_id, draft.created_at), *same)
    row = tx.execute(query.order_by(_TABLE.id).limit(1)).one_or_none()
    return _shared(row) if row else None


def of_project(tx: Transaction, organization_id: int, project_id: int, now: datetime) -> Sequence[SharedTrace]:
    """Return the shared traces of a project that have not expired, the newest first."""
    query = select(*_LISTED).where(_live(organization_id, project_id, now)).order_by(_TABLE.id.desc())
    return [_shared(row) for row in tx.execute(query)]


def get(tx: Transaction, organization_id: int, project_id: int, trace_id: int, now: datetime) -> SharedText | None:
    """Return a shared trace that has not expired, with its text."""
    columns = (*_LISTED, _TABLE.text, _TABLE.release_version, _TABLE.commit_sha)
    query = select(*columns).where(_live(organization_id, project_id, now), _TABLE.id == trace_id)
    row = tx.execute(query).one_or_none()
    return SharedText(_shared(row), row.text, row.release_version, row.commit_sha) if row else None


def remove(tx: Transaction, organization_id: int, trace_id: int) -> bool:
    """Delete a shared trace. Return whether it existed."""
    is_row = (_TABLE.organization_id == organization_id) & (_TABLE.id == trace_id)
    return tx.execute(delete(SHARED_TRACES).where(is_row).returning(_TABLE.id)).first() is not None


def any_expired(tx: Transaction, now: datetime) -> bool:
    """Return whether a trace of any organization has expired."""
    return tx.execute(select(_TABLE.id).where(_TABLE.expires_at <= now).limit(1)).first() is not None


def remove_expired(tx: Transaction, now: datetime) -> int:
    """Delete the traces of all organizations that have expired. Return their number."""
    return len(tx.execute(delete(SHARED_TRACES).where(_TABLE.expires_at <= now).returning(_TABLE.id)).all())


def _live(organization_id: int, project_id: int, now: datetime) -> ColumnElement[bool]:
    own = (_TABLE.organization_id == organization_id) & (_TABLE.project_id == project_id)
    return own & (_TABLE.expires_at > now)


def _shared(row: AnyRow) -> SharedTrace:
    actor = Actor(cast("ActorKind", row.actor_kind), row.actor_name, row.actor_id)
    return SharedTrace(row.id, row.project_id, actor, row.created_at, row.expires_at)
