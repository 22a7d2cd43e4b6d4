"""How commits stand in their rows, for whoever lists them."""

from typing import Final

from sqlalchemy import and_, select

from .authors import TABLE as AUTHORS
from .history_tables import CommitRow
from .tables import AnyRow, AnySelect, table_of
from .values import Author, StoredCommit

COMMITS: Final = table_of(CommitRow)

_COLUMNS: Final = (
    *(
        COMMITS.c[name]
        for name in ("id", "organization_id", "repository_id", "sha", "message", "committed_at", "issue_ids")
    ),
    AUTHORS.c.id.label("author_id"),
    AUTHORS.c.name.label("author_name"),
    AUTHORS.c.email.label("author_email"),
)


def commits_of(organization_id: int) -> AnySelect:
    """The organization's commits with their authors."""
    written_by = and_(AUTHORS.c.organization_id == COMMITS.c.organization_id, AUTHORS.c.id == COMMITS.c.author_id)
    rows = select(*_COLUMNS).select_from(COMMITS.outerjoin(AUTHORS, written_by))
    return rows.where(COMMITS.c.organization_id == organization_id)


def commit_of(row: AnyRow) -> StoredCommit:
    """The commit in a row of ``commits_of``."""
    author = None if row.author_id is None else Author(row.author_id, row.author_name, row.author_email)
    return StoredCommit(
        id=row.id,
        organization_id=row.organization_id,
        repository_id=row.repository_id,
        sha=row.sha,
        message=row.message,
        author=author,
        committed_at=row.committed_at,
        issue_ids=tuple((row.issue_ids or "").split()),
    )
