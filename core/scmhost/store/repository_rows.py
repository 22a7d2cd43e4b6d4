"""How a repository stands in its row: its columns, its name's key, and who holds a name."""

from typing import Any, Final

from sqlalchemy import ColumnElement, select, update

from scmhost.sdk import Repository, RepositoryStatus

from .engine import Transaction
from .statements import duplicates
from .tables import AnyRow, RepositoryRow, table_of

TABLE: Final = table_of(RepositoryRow)
COLUMNS: Final = tuple(TABLE.c[name] for name in Repository.model_fields)
HOLDERS: Final = (RepositoryStatus.ACTIVE.value, RepositoryStatus.HIDDEN.value)
"""The statuses in which a repository holds its name and external id against others."""


def name_key(name: str) -> str:
    """What two names have in common that are the same but for the case of letters."""
    return name.casefold()


def is_row(organization_id: int, repository_id: int) -> ColumnElement[bool]:
    """The condition for one repository."""
    return (TABLE.c.organization_id == organization_id) & (TABLE.c.id == repository_id)


def is_unclaimed() -> ColumnElement[bool]:
    """The condition for repositories that an installation may claim."""
    free = TABLE.c.provider.is_(None) & TABLE.c.installation_id.is_(None)
    return free & (TABLE.c.status == RepositoryStatus.ACTIVE.value)


def repository_of(row: AnyRow) -> Repository:
    """The repository in a row of ``COLUMNS``."""
    return Repository.model_validate(dict(row._mapping))  # noqa: SLF001 - SQLAlchemy's public name for it


def change(tx: Transaction, condition: ColumnElement[bool], fields: dict[str, Any], of: str) -> Repository | None:
    """Change the one row that fulfils the condition, in one statement, and give it back.

    Raises:
        Duplicate: another repository holds the name or the external id.
    """
    with duplicates(tx, f"{of}: its name or external id belongs to another repository; choose another."):
        row = tx.execute(update(TABLE).where(condition).values(fields).returning(*COLUMNS)).one_or_none()
    return repository_of(row) if row else None


def one(tx: Transaction, condition: ColumnElement[bool]) -> Repository | None:
    """The one repository that fulfils the condition."""
    row = tx.execute(select(*COLUMNS).where(condition)).one_or_none()
    return repository_of(row) if row else None
