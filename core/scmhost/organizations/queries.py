"""SQL of organizations, projects and tokens."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Final, NotRequired, TypedDict, Unpack

from sqlalchemy import ColumnElement, func, insert, literal, select, update

from scmhost.infra.db.base import AnyRow, secret_digest
from scmhost.infra.db.engine import Transaction
from scmhost.infra.db.schema import ALL_TABLES
from scmhost.infra.db.statements import KeyQuery, SortKey, as_id, duplicates, fetch_page, new_id
from scmhost.infra.errors import NotFound
from scmhost.infra.paging import Page, PageQuery
from scmhost.redirects.tables import REDIRECT_KEYS
from scmhost.sdk import Organization

from .tables import ORGANIZATIONS, PROJECTS, TOKENS


@dataclass(frozen=True, slots=True)
class Project:
    """A deployable unit of an organization.

    Attributes:
        mappings_version: increases with every change of the project's code mappings, so that caches notice it.
    """

    id: int
    organization_id: int
    slug: str
    name: str
    platform: str | None
    mappings_version: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Token:
    """An access token. The secret itself is not stored; ``hint`` is its last four characters.

    Attributes:
        last_used_at: when it was last used, to the minute or so.
    """

    id: int
    organization_id: int
    name: str
    hint: str
    scopes: frozenset[str]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None = None

    def is_valid(self, now: datetime) -> bool:
        """Return whether it is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)


_ORGANIZATION_COLUMNS: Final = (ORGANIZATIONS.c.id, ORGANIZATIONS.c.slug, ORGANIZATIONS.c.name)


def create_organization(tx: Transaction, slug: str, name: str, now: datetime) -> Organization:
    """Create an organization.

    Raises:
        Duplicate: the slug is taken.
    """
    row = {"id": new_id(tx), "slug": slug, "name": name, "created_at": now}
    with duplicates(tx, f"Organization {slug!r} exists already; choose another slug."):
        return _organization(tx.execute(insert(ORGANIZATIONS).values(row).returning(*_ORGANIZATION_COLUMNS)).one())


def find_organization(tx: Transaction, slug_or_id: str) -> Organization | None:
    """Return the organization with this slug, else the one with this id."""
    # A slug is never digits alone, so that no slug is the id of another organization.
    organization = _one_organization(tx, ORGANIZATIONS.c.slug == slug_or_id)
    number = as_id(slug_or_id)
    return organization or (get_organization(tx, number) if number is not None else None)


def get_organization(tx: Transaction, organization_id: int) -> Organization | None:
    """Return the organization with this id."""
    return _one_organization(tx, ORGANIZATIONS.c.id == organization_id)


def find_named(tx: Transaction, id_or_slug: int | str) -> Organization | None:
    """Return the organization with this id, or with this slug."""
    return get_organization(tx, id_or_slug) if isinstance(id_or_slug, int) else find_organization(tx, id_or_slug)


def organization_created_at(tx: Transaction, organization_id: int) -> datetime:
    """Return when an organization was created."""
    created_at: datetime = tx.execute(
        select(ORGANIZATIONS.c.created_at).where(ORGANIZATIONS.c.id == organization_id)
    ).scalar_one()
    return created_at


def all_organizations(tx: Transaction) -> list[Organization]:
    """Return all organizations by slug."""
    return [_organization(row) for row in tx.execute(select(*_ORGANIZATION_COLUMNS).order_by(ORGANIZATIONS.c.slug))]


def is_only_organization(tx: Transaction) -> bool:
    """Return whether there is exactly one organization."""
    # Two rows are enough to decide; a count would read all of them.
    return len(tx.execute(select(ORGANIZATIONS.c.id).limit(2)).all()) == 1


def _one_organization(tx: Transaction, condition: ColumnElement[bool]) -> Organization | None:
    row = tx.execute(select(*_ORGANIZATION_COLUMNS).where(condition)).one_or_none()
    return _organization(row) if row else None


def _organization(row: AnyRow) -> Organization:
    return Organization(id=row.id, slug=row.slug, name=row.name)


# The slug is unique, but a page is found by the id of the row next to it.
_BY_SLUG: Final = (SortKey(PROJECTS.c.slug), SortKey(PROJECTS.c.id))
_PROJECT_COLUMNS: Final = tuple(PROJECTS.c[field.name] for field in fields(Project))


def create_project(
    tx: Transaction, organization_id: int, slug: str, name: str, platform: str | None, now: datetime
) -> Project:
    """Create a project.

    Raises:
        Duplicate: the slug is taken in this organization.
    """
    row = {"slug": slug, "name": name, "platform": platform, "mappings_version": 0, "created_at": now}
    keys = {"organization_id": organization_id, "id": new_id(tx)}
    tx.mark_changed(organization_id)
    with duplicates(tx, f"Project {slug!r} exists already in this organization; choose another slug."):
        return project_of(tx.execute(insert(PROJECTS).values(keys | row).returning(*_PROJECT_COLUMNS)).one())


def find_project(tx: Transaction, organization_id: int, slug_or_id: str) -> Project | None:
    """Return the project with this slug, else the one with this id."""
    project = _one_project(tx, organization_id, PROJECTS.c.slug == slug_or_id)
    number = as_id(slug_or_id)
    return project or (_one_project(tx, organization_id, PROJECTS.c.id == number) if number is not None else None)


def find_projects(tx: Transaction, organization_id: int, slugs_or_ids: Iterable[str]) -> dict[str, Project]:
    """Return the projects with these slugs, else ids, by the slug or id. An unknown one has no entry."""
    names = list(dict.fromkeys(slugs_or_ids))
    found = {row.slug: project_of(row) for row in _BY_SLUGS.rows(tx, organization_id, names)}
    numbers = {name: number for name in names if name not in found and (number := as_id(name)) is not None}
    by_id = get_projects(tx, organization_id, numbers.values())
    return found | {name: by_id[number] for name, number in numbers.items() if number in by_id}


_BY_SLUGS: Final = KeyQuery(select(*_PROJECT_COLUMNS), PROJECTS.c.organization_id, PROJECTS.c.slug)


def project_page(tx: Transaction, organization_id: int, request: PageQuery) -> Page[Project]:
    """Return a page of projects, by slug."""
    query = select(*_PROJECT_COLUMNS).where(PROJECTS.c.organization_id == organization_id)
    return fetch_page(tx, query, _BY_SLUG, request, project_of)


def get_projects(tx: Transaction, organization_id: int, ids: Iterable[int]) -> dict[int, Project]:
    """Return the projects with these ids by id; ids without a project are left out."""
    return {row.id: project_of(row) for row in _BY_IDS.rows(tx, organization_id, ids)}


_BY_IDS: Final = KeyQuery(select(*_PROJECT_COLUMNS), PROJECTS.c.organization_id, PROJECTS.c.id)


def lock_project(tx: Transaction, organization_id: int, project_id: int) -> None:
    """Lock a project, so that writers of its code mappings run one after the other."""
    is_row = (PROJECTS.c.organization_id == organization_id) & (PROJECTS.c.id == project_id)
    tx.execute(select(PROJECTS.c.id).where(is_row).with_for_update())


def touch_mappings(tx: Transaction, organization_id: int, project_id: int) -> None:
    """Increase the version of the project's code mappings, after a change of one."""
    is_row = (PROJECTS.c.organization_id == organization_id) & (PROJECTS.c.id == project_id)
    tx.execute(update(PROJECTS).where(is_row).values(mappings_version=PROJECTS.c.mappings_version + 1))
    tx.mark_changed(organization_id)


def project_of(row: AnyRow) -> Project:
    """Return the project of a row that has a project's columns."""
    return Project(**{field.name: getattr(row, field.name) for field in fields(Project)})


def require_project(tx: Transaction, organization: Organization, slug_or_id: str) -> Project:
    """Return the organization's project with this slug or id.

    Raises:
        NotFound: there is none.
    """
    project = find_project(tx, organization.id, slug_or_id)
    if project is None:
        raise NotFound(f"Organization {organization.slug!r} has no project {slug_or_id!r}.")
    return project


def _one_project(tx: Transaction, organization_id: int, condition: ColumnElement[bool]) -> Project | None:
    query = select(*_PROJECT_COLUMNS).where(PROJECTS.c.organization_id == organization_id, condition)
    row = tx.execute(query).one_or_none()
    return project_of(row) if row else None


class NewToken(TypedDict):
    """The fields of a token to save. ``digest`` is the SHA-256 of its secret."""

    name: str
    digest: str
    hint: str
    scopes: Iterable[str]
    now: datetime
    expires_at: NotRequired[datetime | None]


def create_token(tx: Transaction, organization_id: int, **new: Unpack[NewToken]) -> Token:
    """Save a token.

    Raises:
        Duplicate: a token with this digest is saved already.
    """
    row = {
        "organization_id": organization_id,
        "id": new_id(tx),
        "name": new["name"],
        "digest": new["digest"],
        "hint": new["hint"],
        # Sorted, because the column is JSON: equal sets are stored as equal texts.
        "scopes": sorted(new["scopes"]),
        "created_at": new["now"],
        "expires_at": new.get("expires_at"),
    }
    tx.mark_changed(organization_id)
    with duplicates(tx, f"Token {new['name']!r} was saved already; create a new one."):
        return _token(tx.execute(insert(TOKENS).values(row).returning(TOKENS)).one())


def service_token_digest(organization_id: int, random_part: str) -> str:
    """Return the digest of a token that contains the address of the service."""
    # With the id, so that a token whose claim names another organization matches no row of it.
    return secret_digest(f"sntrys_{organization_id}_{random_part}")


def token_by_digest(tx: Transaction, organization_id: int, digest: str) -> Token | None:
    """Return the token with this digest, revoked or not."""
    is_row = (TOKENS.c.organization_id == organization_id) & (TOKENS.c.digest == digest)
    row = tx.execute(select(TOKENS).where(is_row)).one_or_none()
    return _token(row) if row else None


def get_token(tx: Transaction, organization_id: int, token_id: int) -> Token | None:
    """Return the token with this id, revoked or not."""
    is_row = (TOKENS.c.organization_id == organization_id) & (TOKENS.c.id == token_id)
    row = tx.execute(select(TOKENS).where(is_row)).one_or_none()
    return _token(row) if row else None


def all_tokens(tx: Transaction, organization_id: int) -> list[Token]:
    """Return all tokens of the organization, the oldest first."""
    query = select(TOKENS).where(TOKENS.c.organization_id == organization_id).order_by(TOKENS.c.id)
    return [_token(row) for row in tx.execute(query)]


def revoke_token(tx: Transaction, organization_id: int, token_id: int, now: datetime) -> bool:
    """Revoke a token. Return whether it exists. The time of an earlier revocation is kept."""
    is_row = (TOKENS.c.organization_id == organization_id) & (TOKENS.c.id == token_id)
    # The first revocation is kept: the audit log has its time too.
    tx.execute(update(TOKENS).where(is_row, TOKENS.c.revoked_at.is_(None)).values(revoked_at=now))
    tx.mark_changed(organization_id)
    return tx.execute(select(TOKENS.c.id).where(is_row)).first() is not None


def _token(row: AnyRow) -> Token:
    return Token(
        id=row.id,
        organization_id=row.organization_id,
        name=row.name,
        hint=row.hint,
        scopes=frozenset(row.scopes),
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
    )


def save_token_uses(tx: Transaction, uses: Mapping[tuple[int, int], datetime]) -> None:
    """Save when tokens and redirect keys were last used, by organization and id. A later time that is saved stays."""
    # In one order, so that two workers that save at the same time cannot deadlock.
    for (organization_id, token_id), moment in sorted(uses.items()):
        # An id belongs to one row of one table.
        for table in (TOKENS, REDIRECT_KEYS):
            is_row = (table.c.organization_id == organization_id) & (table.c.id == token_id)
            is_older = table.c.last_used_at.is_(None) | (table.c.last_used_at < moment)
            tx.execute(update(table).where(is_row, is_older).values(last_used_at=moment))


def count_rows(tx: Transaction, table: str, organization_id: int, most: int | None = None) -> int:
    """Return how many rows of a table an organization has, at most ``most``."""
    rows = ALL_TABLES.tables[table]
    own = select(literal(1)).where(rows.c.organization_id == organization_id).limit(most).subquery()
    return tx.scalar(select(func.count()).select_from(own)) or 0
