"""SQL of repositories: create, find, list, change, claim and delete, and whether anything refers to them."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, TypedDict, Unpack, get_args

import structlog
from sqlalchemy import ColumnElement, Table, delete, exists, insert, or_, select, true, update

from scmhost.commits.tables import COMMITS
from scmhost.infra.db.base import AnyRow
from scmhost.infra.db.engine import Transaction
from scmhost.infra.db.statements import (
    KeyQuery,
    SortKey,
    batches,
    duplicates,
    fetch_page,
    insert_missing,
    new_id,
    new_ids,
)
from scmhost.infra.errors import NotFound
from scmhost.infra.paging import Page, PageQuery
from scmhost.links.tables import CODE_MAPPINGS
from scmhost.organizations.queries import touch_mappings
from scmhost.releases.tables import RELEASE_COMMITS
from scmhost.sdk import Claim, JsonObject, Repository, RepositoryStatus
from scmhost.sdk.values import HostState

from .tables import REPOSITORIES

log = structlog.get_logger(__name__)

COLUMNS: Final = tuple(REPOSITORIES.c[name] for name in Repository.model_fields)
HOLDERS: Final = (RepositoryStatus.ACTIVE.value, RepositoryStatus.HIDDEN.value)
"""The statuses in which no other repository may have the same name or external id."""
_STATUSES: Final = frozenset(status.value for status in RepositoryStatus)
_STATES: Final = frozenset(get_args(HostState))

UNKNOWN_TO_HOST: Final[Mapping[str, Any]] = {"state": "active", "host_name": None}
"""The columns that the synchronization sets, for a repository that gets another installation or none."""


def name_key(name: str) -> str:
    """Return a name as it is compared: without regard to the case of letters."""
    return name.casefold()


def is_row(organization_id: int, repository_id: int) -> ColumnElement[bool]:
    """Return the condition for one repository."""
    return (REPOSITORIES.c.organization_id == organization_id) & (REPOSITORIES.c.id == repository_id)


def is_unclaimed() -> ColumnElement[bool]:
    """Return the condition for repositories that an installation may claim."""
    free = REPOSITORIES.c.provider.is_(None) & REPOSITORIES.c.installation_id.is_(None)
    return free & (REPOSITORIES.c.status == RepositoryStatus.ACTIVE.value)


def repository_of(row: AnyRow) -> Repository:
    """Return the repository in a row of ``COLUMNS``. One with an unknown status counts as hidden."""
    # The row may have other columns too.
    fields = {name: row._mapping[name] for name in Repository.model_fields}  # noqa: SLF001 - SQLAlchemy's public name
    if fields["state"] not in _STATES:
        fields["state"] = "active"
    if fields["status"] not in _STATUSES:
        # A newer version may have stored it, during a rolling upgrade or before a downgrade. Raising here would fail
        # whole lists; a hidden repository stays readable and gets no links.
        log.warning("unknown repository status", repository=fields["id"], status=fields["status"])
        fields["status"] = RepositoryStatus.HIDDEN
    return Repository.model_validate(fields)


def _change(
    tx: Transaction, organization_id: int, repository_id: int, condition: ColumnElement[bool], fields: dict[str, Any]
) -> Repository | None:
    """Change a repository if it fulfils the condition, in one statement. Return it, or None if it does not.

    Raises:
        Duplicate: another repository has the name or the external id.
    """
    condition = is_row(organization_id, repository_id) & condition
    tx.mark_changed(organization_id)
    with duplicates(
        tx, f"Repository {repository_id}: its name or external id belongs to another repository; choose another."
    ):
        row = tx.execute(update(REPOSITORIES).where(condition).values(fields).returning(*COLUMNS)).one_or_none()
    return repository_of(row) if row else None


def one(tx: Transaction, condition: ColumnElement[bool], *, lock: bool = False) -> Repository | None:
    """Return the only repository that fulfils a condition. ``lock``: lock its row until the transaction ends."""
    query = select(*COLUMNS).where(condition)
    row = tx.execute(query.with_for_update() if lock else query).one_or_none()
    return repository_of(row) if row else None


def schedule_deletion(
    tx: Transaction, organization_id: int, repository_id: int, delete_after: datetime
) -> Repository | None:
    """Schedule a repository's deletion. Other repositories may take its name and external id at once.

    Return None when its deletion is scheduled already or it does not exist.
    """
    fields = {"status": RepositoryStatus.PENDING_DELETION.value, "delete_after": delete_after}
    return _change(tx, organization_id, repository_id, REPOSITORIES.c.status.in_(HOLDERS), fields)


def cancel_deletion(tx: Transaction, organization_id: int, repository_id: int) -> Repository | None:
    """Make a repository active whose deletion is scheduled. Return None when it is not.

    Raises:
        Duplicate: another repository has taken its name or external id.
    """
    fields = {"status": RepositoryStatus.ACTIVE.value, "delete_after": None}
    pending = REPOSITORIES.c.status == RepositoryStatus.PENDING_DELETION.value
    return _change(tx, organization_id, repository_id, pending, fields)


def due_for_deletion(tx: Transaction, now: datetime, limit: int = 100) -> list[Repository]:
    """Return repositories of all organizations whose deletion is due, the longest overdue first."""
    rows = select(*COLUMNS).where(_is_due(now)).order_by(REPOSITORIES.c.delete_after, REPOSITORIES.c.id).limit(limit)
    return [repository_of(row) for row in tx.execute(rows)]


def postpone_deletion(tx: Transaction, organization_id: int, repository_id: int, delete_after: datetime) -> None:
    """Move a scheduled deletion to a later time. A deletion that was cancelled meanwhile stays cancelled."""
    pending = REPOSITORIES.c.status == RepositoryStatus.PENDING_DELETION.value
    _change(tx, organization_id, repository_id, pending, {"delete_after": delete_after})


def is_due(tx: Transaction, organization_id: int, repository_id: int, now: datetime) -> bool:
    """Return whether a repository is to be deleted now, and lock its row until the transaction ends."""
    condition = is_row(organization_id, repository_id) & _is_due(now)
    return tx.execute(select(REPOSITORIES.c.id).where(condition).with_for_update()).first() is not None


def _is_due(now: datetime) -> ColumnElement[bool]:
    # Compared in SQL with the caller's clock, so that tests can move it.
    return (REPOSITORIES.c.status == RepositoryStatus.PENDING_DELETION.value) & (REPOSITORIES.c.delete_after <= now)


def delete_now(tx: Transaction, organization_id: int, repository_id: int) -> list[int] | None:
    """Delete a repository with its commits and its code mappings.

    Return the ids of the releases that contained its commits, which the caller refreshes in the same transaction; None
    when there is no such repository.
    """
    # Read before the row is deleted: the cascade removes what refers to it.
    projects, releases = _referring(tx, organization_id, repository_id)
    deletion = delete(REPOSITORIES).where(is_row(organization_id, repository_id)).returning(REPOSITORIES.c.id)
    if tx.execute(deletion).first() is None:
        return None
    tx.mark_changed(organization_id)
    # Workers cache the mappings of a project by their version.
    for project_id in projects:
        touch_mappings(tx, organization_id, project_id)
    return releases


def _referring(tx: Transaction, organization_id: int, repository_id: int) -> tuple[list[int], list[int]]:
    """Return the ids of the projects with mappings to a repository, and of the releases with its commits."""
    mappings = (CODE_MAPPINGS.c.organization_id == organization_id) & (CODE_MAPPINGS.c.repository_id == repository_id)
    projects = select(CODE_MAPPINGS.c.project_id).where(mappings).distinct().order_by(CODE_MAPPINGS.c.project_id)
    commits = select(COMMITS.c.id).where(
        COMMITS.c.organization_id == organization_id, COMMITS.c.repository_id == repository_id
    )
    listed = (RELEASE_COMMITS.c.organization_id == organization_id) & RELEASE_COMMITS.c.commit_id.in_(commits)
    releases = select(RELEASE_COMMITS.c.release_id).where(listed).distinct().order_by(RELEASE_COMMITS.c.release_id)
    return list(tx.scalars(projects)), list(tx.scalars(releases))


_BY_NAME: Final = (SortKey(REPOSITORIES.c.name_key), SortKey(REPOSITORIES.c.id))
IS_ACTIVE: Final = REPOSITORIES.c.status == RepositoryStatus.ACTIVE.value
IS_CLAIMED: Final = REPOSITORIES.c.installation_id.is_not(None)
_CHANGEABLE: Final = frozenset(
    {"name", "url", "status", "provider", "installation_id", "external_id", "configuration", "state", "host_name"}
)


class RepositoryDetails(TypedDict, total=False):
    """The optional fields of a new repository."""

    url: str | None
    provider: str | None
    installation_id: int | None
    external_id: str | None
    configuration: JsonObject | None


def create(
    tx: Transaction, organization_id: int, name: str, now: datetime, **details: Unpack[RepositoryDetails]
) -> Repository:
    """Create a repository.

    Raises:
        Duplicate: another repository has the name, without regard to case, or the provider's external id.
    """
    row = _new_row(organization_id, new_id(tx), name, now) | details
    tx.mark_changed(organization_id)
    row["configuration"] = row["configuration"] or {}
    message = f"Repository {name!r}, or one with its external id, exists already; use that one or choose another name."
    with duplicates(tx, message):
        return repository_of(tx.execute(insert(REPOSITORIES).values(row).returning(*COLUMNS)).one())


def ensure(
    tx: Transaction,
    organization_id: int,
    names: Iterable[str],
    now: datetime,
    urls: Mapping[str, str | None] = MappingProxyType({}),
) -> dict[str, Repository]:
    """Return the repositories with these names, by casefolded name. Missing ones are created at ``urls``, unclaimed."""
    # Of two spellings of a name the first is stored.
    spelled = {name_key(name): name for name in reversed(list(names))}
    found = _holders(tx, organization_id, spelled)
    if not (missing := sorted(spelled.keys() - found.keys())):
        return found
    ids = new_ids(tx, len(missing))
    new = zip(ids, missing, strict=True)
    rows = [_new_row(organization_id, id_, spelled[key], now) | {"url": urls.get(key)} for id_, key in new]
    insert_missing(tx, REPOSITORIES, rows)
    tx.mark_changed(organization_id)
    return found | _holders(tx, organization_id, missing)


def get(tx: Transaction, organization_id: int, repository_id: int, *, lock: bool = False) -> Repository | None:
    """Return one repository, in any status. ``lock``: nobody else changes it or adds commits to it meanwhile."""
    return one(tx, is_row(organization_id, repository_id), lock=lock)


def get_many(tx: Transaction, organization_id: int, ids: Iterable[int]) -> dict[int, Repository]:
    """Return the repositories with these ids, by id. Unknown ids have no entry."""
    return {row.id: repository_of(row) for row in _BY_ID.rows(tx, organization_id, ids)}


def by_name(tx: Transaction, organization_id: int, name: str) -> Repository | None:
    """Return the active or hidden repository of this name, without regard to case."""
    return _holders(tx, organization_id, [name_key(name)]).get(name_key(name))


def active_ids(tx: Transaction, organization_id: int, limit: int) -> list[int]:
    """Return the ids of active repositories by name, up to a limit."""
    query = select(REPOSITORIES.c.id).where(REPOSITORIES.c.organization_id == organization_id, IS_ACTIVE)
    return list(tx.scalars(query.order_by(REPOSITORIES.c.name_key, REPOSITORIES.c.id).limit(limit)))


def by_names(tx: Transaction, organization_id: int, names: Iterable[str]) -> dict[str, Repository]:
    """Return the active and hidden repositories of these names, by casefolded name."""
    return _holders(tx, organization_id, {name_key(name) for name in names})


class RepositoryFilters(TypedDict, total=False):
    """What a list of repositories is limited to. ``query`` is a part of the name, without regard to case."""

    query: str
    statuses: Collection[RepositoryStatus] | None
    installation_id: int | None
    only_unclaimed: bool


def page(
    tx: Transaction, organization_id: int, request: PageQuery, **only: Unpack[RepositoryFilters]
) -> Page[Repository]:
    """Return a page of repositories by name."""
    rows = select(*COLUMNS).where(REPOSITORIES.c.organization_id == organization_id)
    if query := only.get("query"):
        # The casefolded name: lower() of SQLite changes ASCII letters only.
        rows = rows.where(REPOSITORIES.c.name_key.contains(name_key(query), autoescape=True))
    if (statuses := only.get("statuses")) is not None:
        rows = rows.where(REPOSITORIES.c.status.in_([RepositoryStatus(status).value for status in statuses]))
    if (installation_id := only.get("installation_id")) is not None:
        rows = rows.where(REPOSITORIES.c.installation_id == installation_id)
    if only.get("only_unclaimed"):
        rows = rows.where(is_unclaimed())
    return fetch_page(tx, rows, _BY_NAME, request, repository_of)


def unclaimed(tx: Transaction, organization_id: int, limit: int, *, query: str = "") -> list[Repository]:
    """Return the repositories that an installation may claim, by name, up to a limit.

    ``query`` is a part of the name, without regard to case.
    """
    rows = select(*COLUMNS).where(REPOSITORIES.c.organization_id == organization_id, is_unclaimed())
    if query:
        rows = rows.where(REPOSITORIES.c.name_key.contains(name_key(query), autoescape=True))
    return [
        repository_of(row) for row in tx.execute(rows.order_by(REPOSITORIES.c.name_key, REPOSITORIES.c.id).limit(limit))
    ]


def of_installation(tx: Transaction, organization_id: int, installation_id: int) -> list[Repository]:
    """Return all repositories of an installation, in any status, by name."""
    own = (REPOSITORIES.c.organization_id == organization_id) & (REPOSITORIES.c.installation_id == installation_id)
    rows = tx.execute(select(*COLUMNS).where(own).order_by(REPOSITORIES.c.name_key, REPOSITORIES.c.id))
    return [repository_of(row) for row in rows]


def claim(
    tx: Transaction, organization_id: int, repository_id: int, provider: str, installation_id: int, claim: Claim
) -> Repository | None:
    """Give an unclaimed repository to an installation. Return None when it is not unclaimed any more.

    Raises:
        Duplicate: another repository has the provider's external id.
    """
    decided = claim.model_dump(include={"external_id", "url", "configuration"}, exclude_none=True)
    fields = {"provider": provider, "installation_id": installation_id, **UNKNOWN_TO_HOST, **decided}
    return _change(tx, organization_id, repository_id, is_unclaimed(), fields)


def unclaim(tx: Transaction, organization_id: int, repository_id: int) -> Repository | None:
    """Take a repository away from its installation. Return None when it has none."""
    claimed = REPOSITORIES.c.provider.is_not(None) | REPOSITORIES.c.installation_id.is_not(None)
    fields = {"provider": None, "installation_id": None, **UNKNOWN_TO_HOST}
    return _change(tx, organization_id, repository_id, claimed, fields)


def update_repository(
    tx: Transaction, organization_id: int, repository_id: int, changes: Mapping[str, Any]
) -> Repository:
    """Change name, URL, status, provider, installation, external id or configuration.

    Raises:
        Duplicate: another repository has the name or external id.
        NotFound: there is no such repository.
    """
    unknown = changes.keys() - _CHANGEABLE
    if unknown:
        raise ValueError(f"field {min(unknown)!r} of a repository cannot be changed")
    fields = dict(changes)
    if "name" in fields:
        fields["name_key"] = name_key(fields["name"])
    if not fields:
        saved = get(tx, organization_id, repository_id)
    else:
        saved = _change(tx, organization_id, repository_id, true(), fields)
    if saved is None:
        raise NotFound(f"This organization has no repository with the id {repository_id}.")
    return saved


def _holders(tx: Transaction, organization_id: int, keys: Iterable[str]) -> dict[str, Repository]:
    return {name_key(row.name): repository_of(row) for row in _HOLDERS_BY_KEY.rows(tx, organization_id, keys)}


_BY_ID: Final = KeyQuery(select(*COLUMNS), REPOSITORIES.c.organization_id, REPOSITORIES.c.id)
_HOLDERS_BY_KEY: Final = KeyQuery(
    # One parameter for each: the driver takes no lists.
    select(*COLUMNS).where(or_(*(REPOSITORIES.c.status == status for status in HOLDERS))),
    REPOSITORIES.c.organization_id,
    REPOSITORIES.c.name_key,
)


def _new_row(organization_id: int, repository_id: int, name: str, now: datetime) -> dict[str, Any]:
    return {
        "organization_id": organization_id,
        "id": repository_id,
        "name": name,
        "name_key": name_key(name),
        "configuration": {},
        "status": RepositoryStatus.ACTIVE.value,
        "created_at": now,
    }


def with_commits(tx: Transaction, organization_id: int, ids: Iterable[int]) -> set[int]:
    """Return those of the ids whose repositories have commits."""
    return _referred_to(tx, organization_id, ids, COMMITS)


def with_mappings(tx: Transaction, organization_id: int, ids: Iterable[int]) -> set[int]:
    """Return those of the ids whose repositories have code mappings."""
    return _referred_to(tx, organization_id, ids, CODE_MAPPINGS)


def _referred_to(tx: Transaction, organization_id: int, ids: Iterable[int], table: Table) -> set[int]:
    # A subquery finds the first row of each repository; a join would read all of them.
    own = (table.c.organization_id == organization_id) & (table.c.repository_id == REPOSITORIES.c.id)
    query = select(REPOSITORIES.c.id).where(REPOSITORIES.c.organization_id == organization_id, exists().where(own))
    return {id_ for piece in batches(ids) for id_ in tx.scalars(query.where(REPOSITORIES.c.id.in_(piece)))}
