"""Deleting repositories: after a time of grace, in which it can be called off."""

from datetime import datetime
from typing import Final

from sqlalchemy import delete, select

from scmhost.sdk import Repository, RepositoryStatus

from .engine import Transaction
from .history_tables import CommitRow, ReleaseCommitRow
from .projects import touch_mappings
from .releases import refresh
from .repository_rows import COLUMNS, HOLDERS, TABLE, change, is_row, repository_of
from .tables import CodeMappingRow, table_of

_COMMITS: Final = table_of(CommitRow)
_MAPPINGS: Final = table_of(CodeMappingRow)
_RELEASE_COMMITS: Final = table_of(ReleaseCommitRow)


def schedule_deletion(
    tx: Transaction, organization_id: int, repository_id: int, delete_after: datetime
) -> Repository | None:
    """Leave a repository to its deletion, or None when it is on that way already or not there.

    Its name and external id are free at once.
    """
    fields = {"status": RepositoryStatus.PENDING_DELETION.value, "delete_after": delete_after}
    held = is_row(organization_id, repository_id) & TABLE.c.status.in_(HOLDERS)
    return change(tx, held, fields, f"Repository {repository_id}")


def cancel_deletion(tx: Transaction, organization_id: int, repository_id: int) -> Repository | None:
    """Make a repository active that waits for its deletion, or None when it does not.

    Raises:
        Duplicate: its name or external id was taken meanwhile.
    """
    fields = {"status": RepositoryStatus.ACTIVE.value, "delete_after": None}
    pending = TABLE.c.status == RepositoryStatus.PENDING_DELETION.value
    return change(tx, is_row(organization_id, repository_id) & pending, fields, f"Repository {repository_id}")


def due_for_deletion(tx: Transaction, now: datetime, limit: int = 100) -> list[Repository]:
    """Repositories of all organizations whose time of grace is over, the longest overdue first."""
    due = (TABLE.c.status == RepositoryStatus.PENDING_DELETION.value) & (TABLE.c.delete_after <= now)
    rows = select(*COLUMNS).where(due).order_by(TABLE.c.delete_after, TABLE.c.id).limit(limit)
    return [repository_of(row) for row in tx.execute(rows)]


def delete_now(tx: Transaction, organization_id: int, repository_id: int) -> bool:
    """Delete a repository with its commits, its code mappings, and its part of every release."""
    projects, releases = _touched(tx, organization_id, repository_id)
    gone = tx.execute(delete(TABLE).where(is_row(organization_id, repository_id)).returning(TABLE.c.id)).first()
    for project_id in projects:
        touch_mappings(tx, organization_id, project_id)
    for release_id in releases:
        refresh(tx, organization_id, release_id)
    return gone is not None


def _touched(tx: Transaction, organization_id: int, repository_id: int) -> tuple[list[int], list[int]]:
    """The projects with mappings of a repository, and the releases with its commits."""
    mappings = (_MAPPINGS.c.organization_id == organization_id) & (_MAPPINGS.c.repository_id == repository_id)
    projects = select(_MAPPINGS.c.project_id).where(mappings).distinct().order_by(_MAPPINGS.c.project_id)
    commits = select(_COMMITS.c.id).where(
        _COMMITS.c.organization_id == organization_id, _COMMITS.c.repository_id == repository_id
    )
    listed = (_RELEASE_COMMITS.c.organization_id == organization_id) & _RELEASE_COMMITS.c.commit_id.in_(commits)
    releases = select(_RELEASE_COMMITS.c.release_id).where(listed).distinct().order_by(_RELEASE_COMMITS.c.release_id)
    return list(tx.scalars(projects)), list(tx.scalars(releases))
