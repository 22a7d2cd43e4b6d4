"""Projects of an organization."""

from collections.abc import Iterable
from dataclasses import fields
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, insert, select, update

from scmhost.kernel.paging import Page, PageRequest

from .engine import Transaction
from .ids import take_one
from .listing import Key, paged
from .statements import as_id, duplicates, pieces
from .tables import AnyRow, ProjectRow, table_of
from .values import Project

_TABLE: Final = table_of(ProjectRow)
_BY_SLUG: Final = (Key(_TABLE.c.slug), Key(_TABLE.c.id))
_COLUMNS: Final = tuple(_TABLE.c[field.name] for field in fields(Project))


def create(tx: Transaction, organization_id: int, slug: str, name: str, platform: str | None, now: datetime) -> Project:
    """Create a project.

    Raises:
        Duplicate: the slug is taken in this organization.
    """
    row = {"slug": slug, "name": name, "platform": platform, "mappings_version": 0, "created_at": now}
    keys = {"organization_id": organization_id, "id": take_one(tx)}
    with duplicates(tx, f"Project {slug!r} exists already in this organization; choose another slug."):
        return project_of(tx.execute(insert(_TABLE).values(keys | row).returning(*_COLUMNS)).one())


def find(tx: Transaction, organization_id: int, slug_or_id: str) -> Project | None:
    """The project with this slug, else the one with this id."""
    found = _one(tx, organization_id, _TABLE.c.slug == slug_or_id)
    number = as_id(slug_or_id)
    return found or (_one(tx, organization_id, _TABLE.c.id == number) if number is not None else None)


def page(tx: Transaction, organization_id: int, request: PageRequest) -> Page[Project]:
    """Projects by slug."""
    query = select(*_COLUMNS).where(_TABLE.c.organization_id == organization_id)
    return paged(tx, query, _BY_SLUG, request, project_of)


def get_many(tx: Transaction, organization_id: int, ids: Iterable[int]) -> dict[int, Project]:
    """The projects with these ids, as far as they are there."""
    query = select(*_COLUMNS).where(_TABLE.c.organization_id == organization_id)
    rows = (row for piece in pieces(ids) for row in tx.execute(query.where(_TABLE.c.id.in_(piece))))
    return {row.id: project_of(row) for row in rows}


def touch_mappings(tx: Transaction, organization_id: int, project_id: int) -> None:
    """Say that the project's code mappings changed."""
    mine = (_TABLE.c.organization_id == organization_id) & (_TABLE.c.id == project_id)
    tx.execute(update(_TABLE).where(mine).values(mappings_version=_TABLE.c.mappings_version + 1))


def project_of(row: AnyRow) -> Project:
    """The project in a row that has its columns."""
    return Project(**{field.name: getattr(row, field.name) for field in fields(Project)})


def _one(tx: Transaction, organization_id: int, condition: ColumnElement[bool]) -> Project | None:
    query = select(*_COLUMNS).where(_TABLE.c.organization_id == organization_id, condition)
    row = tx.execute(query).one_or_none()
    return project_of(row) if row else None
