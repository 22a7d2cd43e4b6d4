"""All SQL of code mappings. Each change of one raises its project's version, which invalidates cached mappings."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, func, insert, or_, select
from sqlalchemy import delete as delete_from
from sqlalchemy import update as change

from scmhost.infra.db.base import AnyRow, hash_of
from scmhost.infra.db.engine import Transaction
from scmhost.infra.db.statements import SortKey, duplicates, fetch_page, insert_into, new_id
from scmhost.infra.errors import NotFound
from scmhost.infra.paging import Page, PageQuery
from scmhost.mapping import Evidence
from scmhost.organizations.queries import touch_mappings
from scmhost.organizations.tables import PROJECTS
from scmhost.repositories.tables import REPOSITORIES

from .tables import CODE_MAPPINGS, PROJECT_REPOSITORIES
from .values import CodeMapping, MappingDraft

_BY_ID: Final = (SortKey(CODE_MAPPINGS.c.id),)


def create(tx: Transaction, organization_id: int, draft: MappingDraft, now: datetime) -> CodeMapping:
    """Save a code mapping.

    Raises:
        Duplicate: the project has this code mapping.
    """
    row = {"organization_id": organization_id, "id": new_id(tx), "created_at": now, **_fields(draft)}
    with duplicates(tx, _duplicate_message(draft)):
        saved = _mapping(tx.execute(insert(CODE_MAPPINGS).values(row).returning(CODE_MAPPINGS)).one())
    touch_mappings(tx, organization_id, saved.project_id)
    return saved


def link_repository(
    tx: Transaction, organization_id: int, project_id: int, repository_id: int, now: datetime
) -> tuple[int, bool]:
    """Link a repository to a project. Return the id of the link, and whether it is new."""
    link = PROJECT_REPOSITORIES
    keys = {"organization_id": organization_id, "project_id": project_id, "repository_id": repository_id}
    new = insert_into(tx, link).values(id=new_id(tx), created_at=now, **keys).on_conflict_do_nothing()
    created = tx.execute(new.returning(link.c.id)).scalar_one_or_none()
    if created is not None:
        return created, True
    same = [link.c[name] == value for name, value in keys.items()]
    return tx.execute(select(link.c.id).where(*same)).scalar_one(), False


def with_root(tx: Transaction, organization_id: int, project_id: int, stack_root: str) -> list[CodeMapping]:
    """Return the code mappings of a project for a stack root, by id."""
    same_root = _of_project(organization_id, project_id) & (CODE_MAPPINGS.c.stack_root == stack_root)
    return [_mapping(row) for row in tx.execute(select(CODE_MAPPINGS).where(same_root).order_by(CODE_MAPPINGS.c.id))]


def get(tx: Transaction, organization_id: int, mapping_id: int) -> CodeMapping | None:
    """Return a code mapping, or None."""
    row = tx.execute(select(CODE_MAPPINGS).where(_is_row(organization_id, mapping_id))).one_or_none()
    return _mapping(row) if row else None


def update(tx: Transaction, organization_id: int, mapping_id: int, draft: MappingDraft) -> CodeMapping:
    """Replace a code mapping's fields.

    Raises:
        Duplicate: the project has another code mapping with the same roots and repository.
        NotFound: there is no such code mapping.
    """
    existing = get(tx, organization_id, mapping_id)
    if existing is None:
        raise NotFound(f"This organization has no code mapping with the id {mapping_id}.")
    statement = (
        change(CODE_MAPPINGS)
        .where(_is_row(organization_id, mapping_id))
        .values(_fields(draft))
        .returning(CODE_MAPPINGS)
    )
    with duplicates(tx, _duplicate_message(draft)):
        saved = _mapping(tx.execute(statement).one())
    # In a fixed order: two updates that swap projects would otherwise wait for each other.
    for project_id in sorted({existing.project_id, saved.project_id}):
        touch_mappings(tx, organization_id, project_id)
    return saved


def delete(tx: Transaction, organization_id: int, mapping_id: int) -> bool:
    """Delete a code mapping; return whether it existed."""
    statement = (
        delete_from(CODE_MAPPINGS).where(_is_row(organization_id, mapping_id)).returning(CODE_MAPPINGS.c.project_id)
    )
    project_id = tx.scalar(statement)
    if project_id is None:
        return False
    touch_mappings(tx, organization_id, project_id)
    return True


def for_project(tx: Transaction, organization_id: int, project_id: int) -> list[CodeMapping]:
    """Return all code mappings of a project, by id."""
    query = select(CODE_MAPPINGS).where(_of_project(organization_id, project_id)).order_by(CODE_MAPPINGS.c.id)
    return [_mapping(row) for row in tx.execute(query)]


def projects_of_paths(tx: Transaction, organization_id: int, paths: Sequence[str], most: int) -> list[int]:
    """Return the ids of projects with a code mapping that may match one of the paths, by slug, at most so many.

    A mapping that is not among them matches none: all of them begin with its stack root, or it has a wildcard.
    """
    root = func.rtrim(func.replace(CODE_MAPPINGS.c.stack_root, "\\", "/"), "/")
    begins = [func.substr(path.replace("\\", "/"), 1, func.length(root)) == root for path in paths]
    may_match = or_(CODE_MAPPINGS.c.stack_root.contains("*", autoescape=True), *begins)
    matching = select(CODE_MAPPINGS.c.project_id).where(CODE_MAPPINGS.c.organization_id == organization_id, may_match)
    projects = PROJECTS.c.organization_id == organization_id, PROJECTS.c.id.in_(matching)
    return list(tx.scalars(select(PROJECTS.c.id).where(*projects).order_by(PROJECTS.c.slug).limit(most)))


def count(tx: Transaction, organization_id: int, project_id: int) -> int:
    """Return the number of a project's code mappings."""
    return tx.execute(select(func.count()).where(_of_project(organization_id, project_id))).scalar_one()


def branches(tx: Transaction, organization_id: int, repository_id: int) -> set[str]:
    """Return the default branches of a repository's code mappings."""
    query = select(CODE_MAPPINGS.c.default_branch).where(CODE_MAPPINGS.c.organization_id == organization_id).distinct()
    return set(
        tx.scalars(
            query.where(CODE_MAPPINGS.c.repository_id == repository_id, CODE_MAPPINGS.c.default_branch.is_not(None))
        )
    )


def page(
    tx: Transaction,
    organization_id: int,
    request: PageQuery,
    *,
    project_ids: Collection[int] | None = None,
    installation_id: int | None = None,
) -> Page[CodeMapping]:
    """Return a page of code mappings by id, of the given projects and of the installation's repositories."""
    query = select(CODE_MAPPINGS).where(CODE_MAPPINGS.c.organization_id == organization_id)
    if project_ids is not None:
        query = query.where(CODE_MAPPINGS.c.project_id.in_(sorted(project_ids)))
    if installation_id is not None:
        claimed = and_(
            REPOSITORIES.c.organization_id == organization_id, REPOSITORIES.c.installation_id == installation_id
        )
        query = query.where(CODE_MAPPINGS.c.repository_id.in_(select(REPOSITORIES.c.id).where(claimed)))
    return fetch_page(tx, query, _BY_ID, request, _mapping)


def _is_row(organization_id: int, mapping_id: int) -> ColumnElement[bool]:
    return (CODE_MAPPINGS.c.organization_id == organization_id) & (CODE_MAPPINGS.c.id == mapping_id)


def _of_project(organization_id: int, project_id: int) -> ColumnElement[bool]:
    return (CODE_MAPPINGS.c.organization_id == organization_id) & (CODE_MAPPINGS.c.project_id == project_id)


def _fields(draft: MappingDraft) -> dict[str, Any]:
    """Return the columns of a draft."""
    evidence = [list(pair) for pair in draft.derived_from]
    # An empty list is stored as NULL, as it is in rows of people's mappings.
    columns = asdict(draft) | {"source_hash": hash_of(draft.source_root), "derived_from": evidence or None}
    return {name: value for name, value in columns.items() if name != "evidence"}


def _mapping(row: AnyRow) -> CodeMapping:
    columns = {field.name: getattr(row, field.name) for field in fields(CodeMapping) if field.name != "evidence"}
    return CodeMapping(**columns | {"derived_from": tuple(Evidence(*pair) for pair in row.derived_from or ())})


def _duplicate_message(draft: MappingDraft) -> str:
    roots = f"{draft.stack_root!r} to {draft.source_root!r}"
    return f"Project {draft.project_id} has a code mapping from {roots} in repository {draft.repository_id} already."
