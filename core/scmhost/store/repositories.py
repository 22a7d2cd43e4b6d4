"""Repositories: create, find, list, change and claim them. What deletes them is in ``repository_deletion``."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, Final, TypedDict, Unpack

from sqlalchemy import func, insert, or_, select

from scmhost.kernel.errors import NotFound
from scmhost.kernel.paging import Page, PageRequest
from scmhost.sdk import Claim, JsonObject, Repository, RepositoryStatus

from .engine import Transaction
from .history_tables import CommitRow
from .ids import take, take_one
from .listing import Key, paged
from .repository_deletion import cancel_deletion, delete_now, due_for_deletion, schedule_deletion
from .repository_rows import COLUMNS, HOLDERS, TABLE, change, is_row, is_unclaimed, name_key, one, repository_of
from .statements import duplicates, insert_unknown, pieces
from .tables import table_of

__all__ = [
    "RepositoryDetails",
    "active_ids",
    "by_name",
    "by_url_path",
    "cancel_deletion",
    "claim",
    "claimed_at",
    "create",
    "delete_now",
    "due_for_deletion",
    "ensure",
    "get",
    "get_many",
    "has_commits",
    "installations_below",
    "of_installation",
    "page",
    "schedule_deletion",
    "unclaim",
    "unclaimed",
    "update",
]

_COMMITS: Final = table_of(CommitRow)
_BY_NAME: Final = (Key(TABLE.c.name_key), Key(TABLE.c.id))
_IS_ACTIVE: Final = TABLE.c.status == RepositoryStatus.ACTIVE.value
_IS_CLAIMED: Final = TABLE.c.installation_id.is_not(None)
_CHANGEABLE: Final = frozenset({"name", "url", "status", "provider", "installation_id", "external_id", "configuration"})


class RepositoryDetails(TypedDict, total=False):
    """What a new repository may have besides its name."""

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
        Duplicate: another repository holds the name, in whatever case, or the provider's external id.
    """
    row = _new_row(organization_id, take_one(tx), name, now) | details
    row["configuration"] = row["configuration"] or {}
    message = f"Repository {name!r}, or one with its external id, exists already; use that one or choose another name."
    with duplicates(tx, message):
        return repository_of(tx.execute(insert(TABLE).values(row).returning(*COLUMNS)).one())


def ensure(tx: Transaction, organization_id: int, names: Iterable[str], now: datetime) -> dict[str, Repository]:
    """The repositories with these names, by casefolded name; those that are not there yet are created unclaimed."""
    spelled = {name_key(name): name for name in reversed(list(names))}
    found = _holders(tx, organization_id, spelled)
    missing = sorted(spelled.keys() - found.keys())
    if not missing:
        return found
    ids = take(tx, len(missing))
    rows = [_new_row(organization_id, id_, spelled[key], now) for id_, key in zip(ids, missing, strict=True)]
    insert_unknown(tx, TABLE, rows)
    return found | _holders(tx, organization_id, missing)


def get(tx: Transaction, organization_id: int, repository_id: int) -> Repository | None:
    """One repository, in whatever status."""
    return one(tx, is_row(organization_id, repository_id))


def get_many(tx: Transaction, organization_id: int, ids: Iterable[int]) -> dict[int, Repository]:
    """The repositories with these ids, as far as they are there."""
    query = select(*COLUMNS).where(TABLE.c.organization_id == organization_id)
    rows = (row for piece in pieces(ids) for row in tx.execute(query.where(TABLE.c.id.in_(piece))))
    return {row.id: repository_of(row) for row in rows}


def by_name(tx: Transaction, organization_id: int, name: str) -> Repository | None:
    """The repository that holds this name, in whatever case."""
    return _holders(tx, organization_id, [name_key(name)]).get(name_key(name))


def active_ids(tx: Transaction, organization_id: int, limit: int) -> list[int]:
    """The ids of active repositories, at most so many."""
    query = select(TABLE.c.id).where(TABLE.c.organization_id == organization_id, _IS_ACTIVE)
    return list(tx.scalars(query.order_by(TABLE.c.name_key, TABLE.c.id).limit(limit)))


def by_url_path(tx: Transaction, organization_id: int, path: str, limit: int = 2) -> list[Repository]:
    """Active repositories whose URL ends in this path, in whatever case, with or without ``.git``."""
    url = func.lower(TABLE.c.url)
    ends = [url.endswith(f"/{path.lower()}{rest}", autoescape=True) for rest in ("", ".git")]
    rows = select(*COLUMNS).where(TABLE.c.organization_id == organization_id, _IS_ACTIVE, or_(*ends))
    return [repository_of(row) for row in tx.execute(rows.order_by(TABLE.c.id).limit(limit))]


def claimed_at(tx: Transaction, organization_id: int, urls: Collection[str]) -> list[Repository]:
    """Active repositories of installations that have one of these URLs, in whatever case, the oldest first."""
    url = func.lower(TABLE.c.url)
    rows = select(*COLUMNS).where(TABLE.c.organization_id == organization_id, _IS_ACTIVE, _IS_CLAIMED, url.in_(urls))
    return [repository_of(row) for row in tx.execute(rows.order_by(TABLE.c.id))]


def installations_below(tx: Transaction, organization_id: int, urls: Collection[str]) -> set[int]:
    """The installations of active repositories whose URL begins with one of these, in whatever case."""
    url = func.lower(TABLE.c.url)
    below = or_(*(url.startswith(start, autoescape=True) for start in urls))
    mine = (TABLE.c.organization_id == organization_id, _IS_ACTIVE, _IS_CLAIMED)
    return set(tx.scalars(select(TABLE.c.installation_id).where(*mine, below).distinct()))


def page(
    tx: Transaction,
    organization_id: int,
    request: PageRequest,
    *,
    query: str = "",
    statuses: Collection[RepositoryStatus] | None = None,
    installation_id: int | None = None,
) -> Page[Repository]:
    """Repositories by name. ``query`` is a part of the name, in whatever case."""
    rows = select(*COLUMNS).where(TABLE.c.organization_id == organization_id)
    if query:
        rows = rows.where(TABLE.c.name_key.contains(name_key(query), autoescape=True))
    if statuses is not None:
        rows = rows.where(TABLE.c.status.in_([RepositoryStatus(status).value for status in statuses]))
    if installation_id is not None:
        rows = rows.where(TABLE.c.installation_id == installation_id)
    return paged(tx, rows, _BY_NAME, request, repository_of)


def unclaimed(tx: Transaction, organization_id: int, limit: int) -> list[Repository]:
    """The repositories that an installation may claim, by name."""
    rows = select(*COLUMNS).where(TABLE.c.organization_id == organization_id, is_unclaimed())
    return [repository_of(row) for row in tx.execute(rows.order_by(TABLE.c.name_key, TABLE.c.id).limit(limit))]


def of_installation(tx: Transaction, organization_id: int, installation_id: int) -> list[Repository]:
    """All repositories of an installation, in whatever status, by name."""
    mine = (TABLE.c.organization_id == organization_id) & (TABLE.c.installation_id == installation_id)
    rows = select(*COLUMNS).where(mine).order_by(TABLE.c.name_key, TABLE.c.id)
    return [repository_of(row) for row in tx.execute(rows)]


def claim(
    tx: Transaction, organization_id: int, repository_id: int, provider: str, installation_id: int, claim: Claim
) -> Repository | None:
    """Give an unclaimed repository to an installation, or None when another claim was faster.

    Raises:
        Duplicate: another repository holds the provider's external id.
    """
    told = claim.model_dump(include={"external_id", "url", "configuration"}, exclude_none=True)
    fields = {"provider": provider, "installation_id": installation_id, **told}
    return change(tx, is_row(organization_id, repository_id) & is_unclaimed(), fields, _called(repository_id))


def unclaim(tx: Transaction, organization_id: int, repository_id: int) -> Repository | None:
    """Take a repository away from its installation, or None when it has none."""
    claimed = TABLE.c.provider.is_not(None) | TABLE.c.installation_id.is_not(None)
    fields = {"provider": None, "installation_id": None}
    return change(tx, is_row(organization_id, repository_id) & claimed, fields, _called(repository_id))


def update(tx: Transaction, organization_id: int, repository_id: int, changes: Mapping[str, Any]) -> Repository:
    """Change name, URL, status, provider, installation, external id or configuration.

    Raises:
        Duplicate: another repository holds the name or external id.
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
        saved = change(tx, is_row(organization_id, repository_id), fields, _called(repository_id))
    if saved is None:
        raise NotFound(f"This organization has no repository with the id {repository_id}.")
    return saved


def has_commits(tx: Transaction, organization_id: int, repository_id: int) -> bool:
    """Whether a repository has any commits."""
    mine = (_COMMITS.c.organization_id == organization_id) & (_COMMITS.c.repository_id == repository_id)
    return tx.execute(select(_COMMITS.c.id).where(mine).limit(1)).first() is not None


def _holders(tx: Transaction, organization_id: int, keys: Iterable[str]) -> dict[str, Repository]:
    query = select(*COLUMNS).where(TABLE.c.organization_id == organization_id, TABLE.c.status.in_(HOLDERS))
    rows = (row for piece in pieces(keys) for row in tx.execute(query.where(TABLE.c.name_key.in_(piece))))
    return {name_key(row.name): repository_of(row) for row in rows}


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


def _called(repository_id: int) -> str:
    return f"Repository {repository_id}"
