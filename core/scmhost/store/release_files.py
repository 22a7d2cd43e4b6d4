"""Which files the commits of a release changed."""

from typing import Final

from sqlalchemy import and_, select

from scmhost.kernel.paging import Page, PageRequest, page_of
from scmhost.sdk import FileChange, RepositoryStatus

from .commit_rows import COMMITS, commit_of, commits_of
from .engine import Transaction
from .history_tables import FileChangeRow, ReleaseCommitRow
from .repository_rows import TABLE as REPOSITORIES
from .tables import AnyRow, AnySelect, table_of
from .values import ChangedFile

_CHANGES: Final = table_of(FileChangeRow)
_LISTED: Final = table_of(ReleaseCommitRow)


def page(tx: Transaction, organization_id: int, release_id: int, request: PageRequest) -> Page[ChangedFile]:
    """The file changes of a release's commits in active repositories, by path."""
    mine = (_LISTED.c.organization_id == organization_id) & (_LISTED.c.release_id == release_id)
    changed = and_(_CHANGES.c.organization_id == COMMITS.c.organization_id, _CHANGES.c.commit_id == COMMITS.c.id)
    query = (
        commits_of(organization_id)
        .add_columns(_CHANGES.c.path, _CHANGES.c.type)
        .join(_LISTED, and_(_LISTED.c.commit_id == COMMITS.c.id, mine))
        .join(_CHANGES, changed)
        .where(COMMITS.c.repository_id.in_(_active(organization_id)))
        .order_by(_CHANGES.c.path, COMMITS.c.id)
    )
    rows = tx.execute(query.limit(request.size + 1).offset(request.offset)).all()
    return page_of([_changed_file(row) for row in rows], request)


def _active(organization_id: int) -> AnySelect:
    active = REPOSITORIES.c.status == RepositoryStatus.ACTIVE.value
    return select(REPOSITORIES.c.id).where(REPOSITORIES.c.organization_id == organization_id, active)


def _changed_file(row: AnyRow) -> ChangedFile:
    return ChangedFile(commit_of(row), FileChange(path=row.path, type=row.type))
