"""Organizations: the tenants."""

from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, insert, select

from scmhost.sdk import Organization

from .engine import Transaction
from .ids import take_one
from .statements import as_id, duplicates
from .tables import AnyRow, OrganizationRow, table_of

_TABLE: Final = table_of(OrganizationRow)
_COLUMNS: Final = (_TABLE.c.id, _TABLE.c.slug, _TABLE.c.name)


def create(tx: Transaction, slug: str, name: str, now: datetime) -> Organization:
    """Create an organization.

    Raises:
        Duplicate: the slug is taken.
    """
    row = {"id": take_one(tx), "slug": slug, "name": name, "created_at": now}
    with duplicates(tx, f"Organization {slug!r} exists already; choose another slug."):
        return _organization(tx.execute(insert(_TABLE).values(row).returning(*_COLUMNS)).one())


def find(tx: Transaction, slug_or_id: str) -> Organization | None:
    """The organization with this slug, else the one with this id."""
    found = _one(tx, _TABLE.c.slug == slug_or_id)
    number = as_id(slug_or_id)
    return found or (get(tx, number) if number is not None else None)


def get(tx: Transaction, organization_id: int) -> Organization | None:
    """The organization with this id."""
    return _one(tx, _TABLE.c.id == organization_id)


def created_at(tx: Transaction, organization_id: int) -> datetime:
    """When an organization was created."""
    moment: datetime = tx.execute(select(_TABLE.c.created_at).where(_TABLE.c.id == organization_id)).scalar_one()
    return moment


def all_(tx: Transaction) -> list[Organization]:
    """All organizations by slug."""
    return [_organization(row) for row in tx.execute(select(*_COLUMNS).order_by(_TABLE.c.slug))]


def is_alone(tx: Transaction) -> bool:
    """Whether there is one organization and no other."""
    return len(tx.execute(select(_TABLE.c.id).limit(2)).all()) == 1


def _one(tx: Transaction, condition: ColumnElement[bool]) -> Organization | None:
    row = tx.execute(select(*_COLUMNS).where(condition)).one_or_none()
    return _organization(row) if row else None


def _organization(row: AnyRow) -> Organization:
    return Organization(id=row.id, slug=row.slug, name=row.name)
