"""SQL of code mappings, and of the counters of frames without a link.

Each change of a code mapping raises its project's version, which invalidates cached mappings.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, and_, func, insert, or_, select
from sqlalchemy import delete as delete_from
from sqlalchemy import update as change

from scmhost.infra.db.base import AnyRow, hash_of
from scmhost.infra.db.engine import Transaction
from scmhost.infra.db.statements import SortKey, duplicates, fetch_page, insert_into, new_id
from scmhost.infra.errors import NotFound
from scmhost.infra.paging import Page, PageQuery
from scmhost.mapping import Evidence
from scmhost.organizations.queries import get_projects, touch_mappings
from scmhost.organizations.tables import PROJECTS
from scmhost.repositories.tables import REPOSITORIES

from .tables import CODE_MAPPINGS, MISSING_FRAMES, PROJECT_REPOSITORIES
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


class MissingKey(NamedTuple):
    """What frames are counted by."""

    organization_id: int
    day: date
    project_id: int
    reason: str
    root: str


@dataclass(frozen=True, slots=True)
class MissingRow:
    """A sum over several days."""

    project_id: int
    reason: str
    root: str
    count: int
    last_day: date


def add_missing(tx: Transaction, counts: Mapping[MissingKey, int], most: int, other: str) -> int:
    """Add to the counters, without those of projects that were deleted meanwhile. Return how many were added to.

    An organization that has ``most`` counters for a day counts new roots as the ``other`` one.
    """
    bounded: Counter[MissingKey] = Counter()
    for place in sorted({(key.organization_id, key.day) for key in counts}):
        of_place = {key: count for key, count in counts.items() if (key.organization_id, key.day) == place}
        projects = get_projects(tx, place[0], {key.project_id for key in of_place})
        stored = _keys_of(tx, *place)
        for key, count in of_place.items():
            if key.project_id in projects:
                kept = key if key in stored or len(stored) < most else key._replace(root=other)
                bounded[kept] += count
                stored.add(kept)
    if not bounded:
        return 0
    # In the order of the key: two workers that save at once cannot deadlock.
    rows = [{**key._asdict(), "count": count} for key, count in sorted(bounded.items())]
    new = insert_into(tx, MISSING_FRAMES)
    added = {"count": MISSING_FRAMES.c.count + new.excluded.count}
    tx.execute(new.on_conflict_do_update(index_elements=list(MISSING_FRAMES.primary_key), set_=added), rows)
    return len(rows)


def _keys_of(tx: Transaction, organization_id: int, day: date) -> set[MissingKey]:
    table = MISSING_FRAMES.c
    query = select(*(table[name] for name in MissingKey._fields))
    rows = tx.execute(query.where(table.organization_id == organization_id, table.day == day))
    return {MissingKey(*row) for row in rows}


def delete_missing_before(tx: Transaction, day: date) -> None:
    """Delete the counters of all organizations from before a day."""
    tx.execute(delete_from(MISSING_FRAMES).where(MISSING_FRAMES.c.day < day))


def most_frequent_missing(tx: Transaction, organization_id: int, since: date, limit: int) -> list[MissingRow]:
    """Return sums of the counters of an organization since a day, the largest first."""
    table = MISSING_FRAMES.c
    keys = (table.project_id, table.reason, table.root)
    total = func.sum(table.count)
    query = select(*keys, total.label("total"), func.max(table.day).label("last_day"))
    query = query.where(table.organization_id == organization_id, table.day >= since).group_by(*keys)
    rows = tx.execute(query.order_by(total.desc(), *keys).limit(limit))
    return [MissingRow(row.project_id, row.reason, row.root, int(row.total), row.last_day) for row in rows]
