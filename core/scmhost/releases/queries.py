"""SQL of releases, their changed files and deploys."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from functools import cache
from hashlib import sha256
from typing import Any, Final, TypedDict, Unpack

from sqlalchemy import ColumnElement, Executable, and_, bindparam, exists, func, insert, select
from sqlalchemy import delete as delete_from
from sqlalchemy import update as change

from scmhost.commits.queries import commit_of, commits_of
from scmhost.commits.tables import COMMITS, FILE_CHANGES
from scmhost.commits.values import ChangedFile
from scmhost.infra.db.base import AnyRow, AnySelect, insert_for
from scmhost.infra.db.engine import Transaction
from scmhost.infra.db.statements import (
    DriverQuery,
    KeyQuery,
    SortKey,
    batches,
    fetch_page,
    insert_into,
    new_id,
    ordered,
)
from scmhost.infra.errors import NotFound
from scmhost.infra.paging import Page, PageQuery, page_of
from scmhost.organizations.queries import Project, project_of
from scmhost.organizations.tables import PROJECTS
from scmhost.repositories.tables import REPOSITORIES
from scmhost.sdk import FileChange, RepositoryStatus

from .tables import DEPLOY_PROJECTS, DEPLOYS, RELEASE_COMMITS, RELEASE_HEADS, RELEASE_PROJECTS, RELEASES
from .values import Deploy, DeployDraft, Deploys, Release, ReleaseDraft

# sentry-cli extends an abbreviated sha with zeros and then fails, because its history has no such commit.
_SHA_LENGTH: Final = 40
_NEWEST_FIRST: Final = (SortKey(RELEASES.c.dated_at, descending=True), SortKey(RELEASES.c.id, descending=True))


def upsert(
    tx: Transaction, organization_id: int, version: str, draft: ReleaseDraft, now: datetime
) -> tuple[Release, bool]:
    """Create the release with this version, or change it. Return it, and whether it is new."""
    row = {
        "organization_id": organization_id,
        "id": new_id(tx),
        "version": version,
        "created_at": now,
        "commit_count": 0,
        "author_ids": [],
        "status": "open",
        "dated_at": now,
        **_values(draft),
    }
    # Not an upsert in one statement: only RETURNING of an insert shows on both databases whether the row is new.
    values = _NO_VALUES | row
    if _INSERT_IF_NEW.rows(tx, values):
        stored: dict[str, Any] = {field.name: values.get(field.name) for field in fields(Release)}
        return Release(**(stored | {"projects": (), "author_ids": ()})), True
    same_version = and_(RELEASES.c.organization_id == organization_id, RELEASES.c.version == version)
    return _change(tx, same_version, draft, repr(version)), False


_NO_VALUES: Final = dict.fromkeys(RELEASES.c.keys())


_INSERT_IF_NEW: Final = DriverQuery(
    lambda dialect: insert_for(dialect, RELEASES).on_conflict_do_nothing().returning(RELEASES.c.id)
)


def update(tx: Transaction, organization_id: int, release_id: int, draft: ReleaseDraft) -> Release:
    """Change a release.

    Raises:
        NotFound: there is no such release.
    """
    return _change(tx, _is_row(organization_id, release_id), draft, f"with the id {release_id}")


def attach_projects(tx: Transaction, organization_id: int, release_id: int, project_ids: Iterable[int]) -> int:
    """Add a release to projects. Return how many did not have it before."""
    keys = {"organization_id": organization_id, "release_id": release_id}
    # Sorted, as every writer inserts in the order of keys and so no two block each other.
    rows = [keys | {"project_id": project_id} for project_id in sorted(set(project_ids))]
    if not rows:
        return 0
    return len(tx.execute(_attach(tx.get_bind().dialect.name), rows).all())


@cache
def _attach(dialect: str) -> Executable:
    return insert_for(dialect, RELEASE_PROJECTS).on_conflict_do_nothing().returning(RELEASE_PROJECTS.c.project_id)


def detach_project(tx: Transaction, organization_id: int, release_id: int, project_id: int) -> None:
    """Remove a release from a project."""
    of_release = (RELEASE_PROJECTS.c.organization_id == organization_id) & (RELEASE_PROJECTS.c.release_id == release_id)
    tx.execute(delete_from(RELEASE_PROJECTS).where(of_release, RELEASE_PROJECTS.c.project_id == project_id))


def find(tx: Transaction, organization_id: int, version: str) -> Release | None:
    """Return the release with this version."""
    row = next(_BY_VERSION.rows(tx, organization_id, [version]), None)
    return _releases(tx, organization_id, [row])[0] if row else None


_BY_VERSION: Final = KeyQuery(select(RELEASES), RELEASES.c.organization_id, RELEASES.c.version)


class ReleaseFilters(TypedDict, total=False):
    """What restricts a list of releases.

    ``project_ids``: releases of any of these projects; None: of all. ``query``: versions that contain this text, in any
    case. ``status``: by default ``open``; None: any. ``environments``: releases that were deployed to any of these.
    """

    project_ids: Collection[int] | None
    query: str
    status: str | None
    environments: Collection[str]


def page(tx: Transaction, organization_id: int, request: PageQuery, **only: Unpack[ReleaseFilters]) -> Page[Release]:
    """Return releases, newest first."""
    rows = select(RELEASES).where(RELEASES.c.organization_id == organization_id)
    if (project_ids := only.get("project_ids")) is not None:
        rows = rows.where(_is_of_projects(organization_id, project_ids))
    if query := only.get("query"):
        # Escaped, because versions often have an underscore, which is a wildcard in LIKE.
        rows = rows.where(RELEASES.c.version.icontains(query, autoescape=True))
    if (status := only.get("status", "open")) is not None:
        rows = rows.where(RELEASES.c.status == status)
    if environments := only.get("environments"):
        rows = rows.where(_is_deployed_to(organization_id, environments))
    found = fetch_page(tx, rows, _NEWEST_FIRST, request, lambda row: row)
    return found.showing(_releases(tx, organization_id, found.items))


def before(
    tx: Transaction, release: Release, repository_id: int, *, any_commit: bool = False
) -> tuple[Release, str] | None:
    """Return the newest release before this one that shares a project with it and has a full sha as its head.

    ``any_commit``: the head may also be another id of a known commit, such as the number of a changelist.

    Returns:
        The release, and its head of the repository.
    """
    shares_project = _is_of_projects(release.organization_id, [project.id for project in release.projects])
    is_commit = func.length(RELEASE_HEADS.c.sha) == _SHA_LENGTH
    if any_commit:
        own = (COMMITS.c.organization_id == release.organization_id) & (COMMITS.c.repository_id == repository_id)
        is_commit |= exists().where(own, COMMITS.c.sha == RELEASE_HEADS.c.sha)
    # Sentry counts the release itself, so that a second build of it sends no commits.
    earlier = ((release.released_at or release.created_at) >= RELEASES.c.dated_at) & (RELEASES.c.id != release.id)
    same = and_(
        RELEASE_HEADS.c.organization_id == RELEASES.c.organization_id, RELEASE_HEADS.c.release_id == RELEASES.c.id
    )
    query = (
        select(RELEASES, RELEASE_HEADS.c.sha)
        .join(RELEASE_HEADS, same)
        .where(RELEASES.c.organization_id == release.organization_id, RELEASE_HEADS.c.repository_id == repository_id)
        .where(earlier, is_commit, shares_project)
        .order_by(*ordered(_NEWEST_FIRST))
        .limit(1)
    )
    row = tx.execute(query).one_or_none()
    return (_releases(tx, release.organization_id, [row])[0], row.sha) if row else None


def delete(tx: Transaction, organization_id: int, release_id: int) -> bool:
    """Delete a release; its commits stay in their repositories. Return whether it existed."""
    deleted = delete_from(RELEASES).where(_is_row(organization_id, release_id)).returning(RELEASES.c.id)
    return tx.execute(deleted).first() is not None


def _change(tx: Transaction, condition: ColumnElement[bool], draft: ReleaseDraft, name: str) -> Release:
    values = _values(draft)
    if values:
        row = tx.execute(change(RELEASES).where(condition).values(values).returning(RELEASES)).one_or_none()
    else:
        row = tx.execute(select(RELEASES).where(condition)).one_or_none()
    if row is None:
        raise NotFound(f"This organization has no release {name}.")
    return _releases(tx, row.organization_id, [row])[0]


def _values(draft: ReleaseDraft) -> dict[str, Any]:
    values = {name: value for name, value in asdict(draft).items() if value is not None}
    # A release without a date keeps its place by its creation.
    return values | ({"dated_at": draft.released_at} if draft.released_at else {})


def _is_row(organization_id: int, release_id: int) -> ColumnElement[bool]:
    return (RELEASES.c.organization_id == organization_id) & (RELEASES.c.id == release_id)


def _is_of_projects(organization_id: int, project_ids: Collection[int]) -> ColumnElement[bool]:
    # EXISTS and not IN, for which SQLite would first read all releases of the projects.
    return (
        select(RELEASE_PROJECTS.c.release_id)
        .where(RELEASE_PROJECTS.c.organization_id == organization_id, RELEASE_PROJECTS.c.release_id == RELEASES.c.id)
        .where(RELEASE_PROJECTS.c.project_id.in_(sorted(project_ids)))
        .exists()
    )


def _is_deployed_to(organization_id: int, environments: Collection[str]) -> ColumnElement[bool]:
    return (
        select(DEPLOYS.c.id)
        .where(DEPLOYS.c.organization_id == organization_id, DEPLOYS.c.release_id == RELEASES.c.id)
        .where(DEPLOYS.c.environment.in_(sorted(environments)))
        .exists()
    )


def _releases(tx: Transaction, organization_id: int, rows: Sequence[AnyRow]) -> list[Release]:
    # A statement of its own, because a join would repeat a release for each project and break the limit of a page.
    projects: dict[int, tuple[Project, ...]] = {}
    for found in _PROJECTS_BY_RELEASE.rows(tx, organization_id, (row.id for row in rows)):
        projects[found.release_id] = (*projects.get(found.release_id, ()), project_of(found))
    return [_release(row, projects.get(row.id, ())) for row in rows]


_PROJECTS_BY_RELEASE: Final = KeyQuery(
    select(RELEASE_PROJECTS.c.release_id, PROJECTS)
    .join(
        PROJECTS,
        (PROJECTS.c.organization_id == RELEASE_PROJECTS.c.organization_id)
        & (PROJECTS.c.id == RELEASE_PROJECTS.c.project_id),
    )
    .order_by(PROJECTS.c.slug),
    RELEASE_PROJECTS.c.organization_id,
    RELEASE_PROJECTS.c.release_id,
)


def _release(row: AnyRow, projects: tuple[Project, ...]) -> Release:
    columns = {field.name: getattr(row, field.name) for field in fields(Release) if field.name != "projects"}
    return Release(**{**columns, "projects": projects, "author_ids": tuple(row.author_ids)})


def file_page(tx: Transaction, organization_id: int, release_id: int, request: PageQuery) -> Page[ChangedFile]:
    """Return the file changes of a release's commits in active repositories, by path."""
    listed = (RELEASE_COMMITS.c.organization_id == organization_id) & (RELEASE_COMMITS.c.release_id == release_id)
    changed = and_(
        FILE_CHANGES.c.organization_id == COMMITS.c.organization_id, FILE_CHANGES.c.commit_id == COMMITS.c.id
    )
    query = (
        commits_of(organization_id)
        .add_columns(FILE_CHANGES.c.path, FILE_CHANGES.c.type)
        .join(RELEASE_COMMITS, and_(RELEASE_COMMITS.c.commit_id == COMMITS.c.id, listed))
        .join(FILE_CHANGES, changed)
        .where(COMMITS.c.repository_id.in_(_active(organization_id)))
        .order_by(FILE_CHANGES.c.path, COMMITS.c.id)
    )
    # By offset, because the rows have no id of their own from which the next page could continue.
    rows = tx.execute(query.limit(request.size + 1).offset(request.offset)).all()
    return page_of([_changed_file(row) for row in rows], request)


def _active(organization_id: int) -> AnySelect:
    active = REPOSITORIES.c.status == RepositoryStatus.ACTIVE.value
    return select(REPOSITORIES.c.id).where(REPOSITORIES.c.organization_id == organization_id, active)


def _changed_file(row: AnyRow) -> ChangedFile:
    return ChangedFile(commit_of(row), FileChange(path=row.path, type=row.type))


_NEWEST_DEPLOY_FIRST: Final = (SortKey(DEPLOYS.c.finished_at, descending=True), SortKey(DEPLOYS.c.id, descending=True))


def create_deploy(
    tx: Transaction,
    organization_id: int,
    release_id: int,
    draft: DeployDraft,
    project_ids: Iterable[int],
    now: datetime,
) -> tuple[Deploy, bool]:
    """Record a deploy. Return it, and whether it is new: one with the same texts and times is the same."""
    # Clients repeat a request after a timeout. NULL keys never conflict on either database.
    keys = {"organization_id": organization_id, "release_id": release_id, "request_key": _request_key(draft)}
    row = asdict(draft) | keys | {"id": new_id(tx), "finished_at": draft.finished_at or now}
    new = insert_into(tx, DEPLOYS).values(row).on_conflict_do_nothing().returning(DEPLOYS)
    created = tx.execute(new).one_or_none()
    if created is None:
        same = and_(*(DEPLOYS.c[name] == value for name, value in keys.items()))
        return _deploy(tx.execute(select(DEPLOYS).where(same)).one()), False
    owners = {"organization_id": organization_id, "deploy_id": created.id}
    rows = [owners | {"project_id": project_id} for project_id in sorted(set(project_ids))]
    if rows:
        tx.execute(insert(DEPLOY_PROJECTS), rows)
    return _deploy(created), True


def deploy_page(tx: Transaction, organization_id: int, release_id: int, request: PageQuery) -> Page[Deploy]:
    """Return the deploys of a release, the one that ended last first."""
    of_release = (DEPLOYS.c.organization_id == organization_id) & (DEPLOYS.c.release_id == release_id)
    return fetch_page(tx, select(DEPLOYS).where(of_release), _NEWEST_DEPLOY_FIRST, request, _deploy)


def deploys_of_releases(tx: Transaction, organization_id: int, release_ids: Iterable[int]) -> dict[int, Deploys]:
    """Return the deploys of releases, by release id. A release without deploys has no entry."""
    found: dict[int, Deploys] = {}
    for piece in batches(release_ids):
        for row in tx.execute(_LAST_DEPLOYS, {"organization": organization_id, "releases": piece}):
            found[row.release_id] = Deploys(row.total, _deploy(row))
    return found


# One statement for all releases of a page; neither database has a common form of LIMIT for each group.
_RANKED: Final = (
    select(
        DEPLOYS,
        func.row_number()
        .over(partition_by=DEPLOYS.c.release_id, order_by=(DEPLOYS.c.finished_at.desc(), DEPLOYS.c.id.desc()))
        .label("rank"),
        func.count().over(partition_by=DEPLOYS.c.release_id).label("total"),
    )
    .where(
        DEPLOYS.c.organization_id == bindparam("organization"),
        DEPLOYS.c.release_id.in_(bindparam("releases", expanding=True)),
    )
    .subquery()
)
_LAST_DEPLOYS: Final = select(_RANKED).where(_RANKED.c.rank == 1)


def _request_key(draft: DeployDraft) -> str | None:
    """Return a key that is equal for a deploy that is sent again.

    Without times there is none, because two deploys with the same texts may both be meant.
    """
    moments = [moment and moment.timestamp() for moment in (draft.started_at, draft.finished_at)]
    if moments == [None, None]:
        return None
    return sha256(repr((draft.environment, draft.name, draft.url, moments)).encode()).hexdigest()


def _deploy(row: AnyRow) -> Deploy:
    return Deploy(**{field.name: getattr(row, field.name) for field in fields(Deploy)})
