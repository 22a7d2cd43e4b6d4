"""Deploys of releases. The same one told again is the one that is there."""

from collections.abc import Iterable
from dataclasses import asdict, fields
from datetime import datetime
from hashlib import sha256
from typing import Final

from sqlalchemy import and_, func, insert, select

from scmhost.kernel.paging import Page, PageRequest

from .engine import Transaction
from .history_tables import DeployProjectRow, DeployRow
from .ids import take_one
from .listing import Key, paged
from .statements import insert_into, pieces
from .tables import AnyRow, table_of
from .values import Deploy, DeployDraft, Deploys

_TABLE: Final = table_of(DeployRow)
_PROJECTS: Final = table_of(DeployProjectRow)
_NEWEST_FIRST: Final = (Key(_TABLE.c.finished_at, descending=True), Key(_TABLE.c.id, descending=True))


def create(
    tx: Transaction,
    organization_id: int,
    release_id: int,
    draft: DeployDraft,
    project_ids: Iterable[int],
    now: datetime,
) -> tuple[Deploy, bool]:
    """Note a deploy. The second value says whether it is new: one with the same words and times is the same."""
    keys = {"organization_id": organization_id, "release_id": release_id, "request_key": _request_key(draft)}
    row = asdict(draft) | keys | {"id": take_one(tx), "finished_at": draft.finished_at or now}
    new = insert_into(tx, _TABLE).values(row).on_conflict_do_nothing().returning(_TABLE)
    created = tx.execute(new).one_or_none()
    if created is None:
        same = and_(*(_TABLE.c[name] == value for name, value in keys.items()))
        return _deploy(tx.execute(select(_TABLE).where(same)).one()), False
    owners = {"organization_id": organization_id, "deploy_id": created.id}
    rows = [owners | {"project_id": project_id} for project_id in sorted(set(project_ids))]
    if rows:
        tx.execute(insert(_PROJECTS), rows)
    return _deploy(created), True


def page(tx: Transaction, organization_id: int, release_id: int, request: PageRequest) -> Page[Deploy]:
    """The deploys of a release, the one that ended last first."""
    mine = (_TABLE.c.organization_id == organization_id) & (_TABLE.c.release_id == release_id)
    return paged(tx, select(_TABLE).where(mine), _NEWEST_FIRST, request, _deploy)


def of_releases(tx: Transaction, organization_id: int, release_ids: Iterable[int]) -> dict[int, Deploys]:
    """How often releases were deployed, and the last time. A release that never was has no entry."""
    order = (_TABLE.c.finished_at.desc(), _TABLE.c.id.desc())
    place = func.row_number().over(partition_by=_TABLE.c.release_id, order_by=order)
    count = func.count().over(partition_by=_TABLE.c.release_id)
    found: dict[int, Deploys] = {}
    for piece in pieces(release_ids):
        mine = (_TABLE.c.organization_id == organization_id) & _TABLE.c.release_id.in_(piece)
        ranked = select(_TABLE, place.label("place"), count.label("times")).where(mine).subquery()
        for row in tx.execute(select(ranked).where(ranked.c.place == 1)):
            found[row.release_id] = Deploys(row.times, _deploy(row))
    return found


def _request_key(draft: DeployDraft) -> str | None:
    """What a deploy that is sent again has in common with itself; of those without any time two may be two."""
    moments = [moment and moment.timestamp() for moment in (draft.started_at, draft.finished_at)]
    if moments == [None, None]:
        return None
    return sha256(repr((draft.environment, draft.name, draft.url, moments)).encode()).hexdigest()


def _deploy(row: AnyRow) -> Deploy:
    return Deploy(**{field.name: getattr(row, field.name) for field in fields(Deploy)})
