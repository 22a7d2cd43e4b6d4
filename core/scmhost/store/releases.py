"""Releases: versions of projects' code. Their commits and heads are kept by ``release_commits``."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy import delete as delete_from
from sqlalchemy import update as change

from scmhost.kernel.errors import NotFound
from scmhost.kernel.paging import Page, PageRequest

from .engine import Transaction
from .history_tables import ReleaseHeadRow, ReleaseProjectRow, ReleaseRow
from .ids import take_one
from .listing import Key, ordered, paged
from .projects import project_of
from .release_commits import (
    add_commits,
    clear_commits,
    commits_page,
    head_of,
    heads,
    heads_of,
    refresh,
    set_commits,
    set_head,
)
from .statements import insert_into, pieces
from .tables import AnyRow, AnySelect, ProjectRow, table_of
from .values import Project, Release, ReleaseDraft

__all__ = [
    "add_commits",
    "attach_projects",
    "before",
    "clear_commits",
    "commits_page",
    "delete",
    "detach_project",
    "find",
    "head_of",
    "heads",
    "heads_of",
    "page",
    "refresh",
    "set_commits",
    "set_head",
    "update",
    "upsert",
]

_TABLE: Final = table_of(ReleaseRow)
_ATTACHED: Final = table_of(ReleaseProjectRow)
_PROJECTS: Final = table_of(ProjectRow)
_HEADS: Final = table_of(ReleaseHeadRow)
WHOLE_SHA: Final = 40
DATE: Final = func.coalesce(_TABLE.c.released_at, _TABLE.c.created_at)
"""A release's date is that of its release, else of its creation."""
_NEWEST_FIRST: Final = (Key(DATE, descending=True), Key(_TABLE.c.id, descending=True))


def upsert(
    tx: Transaction, organization_id: int, version: str, draft: ReleaseDraft, now: datetime
) -> tuple[Release, bool]:
    """The release with this version, with what the draft tells. The second value says whether it is new."""
    row = {
        "organization_id": organization_id,
        "id": take_one(tx),
        "version": version,
        "created_at": now,
        "commit_count": 0,
        "author_ids": [],
        "status": "open",
        **_told(draft),
    }
    new = insert_into(tx, _TABLE).values(row).on_conflict_do_nothing().returning(_TABLE)
    created = tx.execute(new).one_or_none()
    if created:
        return _release(created, ()), True
    known = _TABLE.c.version == version
    return _change(tx, and_(_TABLE.c.organization_id == organization_id, known), draft, repr(version)), False


def update(tx: Transaction, organization_id: int, release_id: int, draft: ReleaseDraft) -> Release:
    """Change what the draft tells.

    Raises:
        NotFound: there is no such release.
    """
    return _change(tx, _is_row(organization_id, release_id), draft, f"with the id {release_id}")


def attach_projects(tx: Transaction, organization_id: int, release_id: int, project_ids: Iterable[int]) -> int:
    """Make projects have the release; how many did not have it before."""
    keys = {"organization_id": organization_id, "release_id": release_id}
    rows = [keys | {"project_id": project_id} for project_id in sorted(set(project_ids))]
    if not rows:
        return 0
    new = insert_into(tx, _ATTACHED).values(rows).on_conflict_do_nothing().returning(_ATTACHED.c.project_id)
    return len(tx.execute(new).all())


def detach_project(tx: Transaction, organization_id: int, release_id: int, project_id: int) -> None:
    """Take a release from a project."""
    mine = (_ATTACHED.c.organization_id == organization_id) & (_ATTACHED.c.release_id == release_id)
    tx.execute(delete_from(_ATTACHED).where(mine, _ATTACHED.c.project_id == project_id))


def find(tx: Transaction, organization_id: int, version: str) -> Release | None:
    """The release with this version."""
    mine = (_TABLE.c.organization_id == organization_id) & (_TABLE.c.version == version)
    row = tx.execute(select(_TABLE).where(mine)).one_or_none()
    return _with_projects(tx, organization_id, [row])[0] if row else None


def page(
    tx: Transaction,
    organization_id: int,
    request: PageRequest,
    *,
    project_ids: Collection[int] | None = None,
    query: str = "",
    status: str | None = "open",
) -> Page[Release]:
    """Releases, the newest first: of any project or of the named ones, with ``query`` as a part of the version."""
    rows = select(_TABLE).where(_TABLE.c.organization_id == organization_id)
    if project_ids is not None:
        rows = rows.where(_TABLE.c.id.in_(_releases_of(organization_id, project_ids)))
    if query:
        rows = rows.where(_TABLE.c.version.icontains(query, autoescape=True))
    if status is not None:
        rows = rows.where(_TABLE.c.status == status)
    found = paged(tx, rows, _NEWEST_FIRST, request, lambda row: row)
    return found.showing(_with_projects(tx, organization_id, found.items))


def before(tx: Transaction, release: Release, repository_id: int) -> tuple[Release, str] | None:
    """The newest release before this one that shares a project with it and stands at a whole sha of the repository.

    The second value is that sha.
    """
    shared = _releases_of(release.organization_id, [project.id for project in release.projects])
    whole = func.length(_HEADS.c.sha) == WHOLE_SHA
    earlier = ((release.released_at or release.created_at) >= DATE) & (_TABLE.c.id != release.id)
    same = and_(_HEADS.c.organization_id == _TABLE.c.organization_id, _HEADS.c.release_id == _TABLE.c.id)
    query = (
        select(_TABLE, _HEADS.c.sha)
        .join(_HEADS, same)
        .where(_TABLE.c.organization_id == release.organization_id, _HEADS.c.repository_id == repository_id)
        .where(earlier, whole, _TABLE.c.id.in_(shared))
        .order_by(*ordered(_NEWEST_FIRST))
        .limit(1)
    )
    row = tx.execute(query).one_or_none()
    return (_with_projects(tx, release.organization_id, [row])[0], row.sha) if row else None


def delete(tx: Transaction, organization_id: int, release_id: int) -> bool:
    """Delete a release; its commits stay in their repositories."""
    gone = delete_from(_TABLE).where(_is_row(organization_id, release_id)).returning(_TABLE.c.id)
    return tx.execute(gone).first() is not None


def _change(tx: Transaction, condition: ColumnElement[bool], draft: ReleaseDraft, named: str) -> Release:
    told = _told(draft)
    if told:
        row = tx.execute(change(_TABLE).where(condition).values(told).returning(_TABLE)).one_or_none()
    else:
        row = tx.execute(select(_TABLE).where(condition)).one_or_none()
    if row is None:
        raise NotFound(f"This organization has no release {named}.")
    return _with_projects(tx, row.organization_id, [row])[0]


def _told(draft: ReleaseDraft) -> dict[str, Any]:
    return {name: value for name, value in asdict(draft).items() if value is not None}


def _is_row(organization_id: int, release_id: int) -> ColumnElement[bool]:
    return (_TABLE.c.organization_id == organization_id) & (_TABLE.c.id == release_id)


def _releases_of(organization_id: int, project_ids: Collection[int]) -> AnySelect:
    attached = select(_ATTACHED.c.release_id).where(_ATTACHED.c.organization_id == organization_id)
    return attached.where(_ATTACHED.c.project_id.in_(sorted(project_ids)))


def _with_projects(tx: Transaction, organization_id: int, rows: Sequence[AnyRow]) -> list[Release]:
    same = and_(_PROJECTS.c.organization_id == _ATTACHED.c.organization_id, _PROJECTS.c.id == _ATTACHED.c.project_id)
    query = (
        select(_ATTACHED.c.release_id, _PROJECTS)
        .join(_PROJECTS, same)
        .where(_ATTACHED.c.organization_id == organization_id)
        .order_by(_PROJECTS.c.slug)
    )
    projects: dict[int, tuple[Project, ...]] = {}
    for piece in pieces(row.id for row in rows):
        for found in tx.execute(query.where(_ATTACHED.c.release_id.in_(piece))):
            projects[found.release_id] = (*projects.get(found.release_id, ()), project_of(found))
    return [_release(row, projects.get(row.id, ())) for row in rows]


def _release(row: AnyRow, projects: tuple[Project, ...]) -> Release:
    own = {field.name: getattr(row, field.name) for field in fields(Release) if field.name != "projects"}
    return Release(**{**own, "projects": projects, "author_ids": tuple(row.author_ids)})
