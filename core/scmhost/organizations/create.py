"""Create and find organizations and projects."""

import re
import unicodedata
from datetime import datetime
from typing import Final

from scmhost.audit.queries import record
from scmhost.infra.db.errors import Duplicate
from scmhost.infra.errors import InvalidInput, NotFound
from scmhost.infra.paging import Page, PageQuery
from scmhost.sdk import Organization
from scmhost.services import Services

from . import queries
from .queries import Project
from .quotas import take_rows

ALL_PROJECTS: Final = "-1"
"""Names every project where projects are listed, as in Sentry's API."""

# Not digits alone: a path segment is a slug or an id, and must not be both.
_SLUG: Final = re.compile(r"(?!\d+$)[a-z0-9][a-z0-9_-]{0,49}", re.ASCII)
_SLUG_LENGTH: Final = 50
_NOT_IN_SLUG: Final = re.compile(r"[^a-z0-9_]+")


def create_organization(services: Services, slug: str, name: str | None = None) -> Organization:
    """Create an organization, or return the existing one with this slug.

    Raises:
        InvalidInput: the slug is not valid.
    """
    _check_slug(slug)
    with services.store.write() as tx:
        # The transaction holds the writer's lock on SQLite; on PostgreSQL the unique slug decides between two at once.
        existing = queries.find_organization(tx, slug)
        if existing is not None:
            return existing
        try:
            organization = queries.create_organization(tx, slug, name or slug, services.clock.now())
        except Duplicate:
            existing = queries.find_organization(tx, slug)
            if existing is None:
                raise
            return existing
        record(tx, services, organization, "org.create", (organization.id, organization.slug))
        return organization


def find_organization(services: Services, slug_or_id: str) -> Organization:
    """Return the organization with this slug or id.

    Raises:
        NotFound: there is none.
    """
    with services.store.read() as tx:
        organization = queries.find_organization(tx, slug_or_id)
    if organization is None:
        raise NotFound(f"There is no organization {slug_or_id!r}; create it with `scmhost bootstrap`.")
    return organization


def creation_time(services: Services, organization: Organization) -> datetime:
    """Return when an organization was created."""
    with services.store.read() as tx:
        return queries.organization_created_at(tx, organization.id)


def list_organizations(services: Services) -> list[Organization]:
    """Return all organizations by slug."""
    with services.store.read() as tx:
        return queries.all_organizations(tx)


def create_project(
    services: Services,
    organization: Organization,
    slug: str | None,
    name: str | None = None,
    platform: str | None = None,
) -> tuple[Project, bool]:
    """Create a project, or return the existing one with this slug. The second value is whether it is new.

    Without a slug, it is made from the name.

    Raises:
        InvalidInput: the slug is not valid, or there is neither a slug nor a name with a letter.
    """
    slug = _slug_of(name) if slug is None else slug
    _check_slug(slug)
    with services.store.write() as tx:
        existing = queries.find_project(tx, organization.id, slug)
        if existing is not None:
            return existing, False
        try:
            project = queries.create_project(tx, organization.id, slug, name or slug, platform, services.clock.now())
        except Duplicate:
            # On PostgreSQL the same request may have been faster in another transaction.
            return queries.require_project(tx, organization, slug), False
        take_rows(tx, services, organization, {"projects": 1})
        record(tx, services, organization, "project.create", (project.id, project.slug))
        return project, True


def find_project(services: Services, organization: Organization, slug_or_id: str) -> Project:
    """Return the organization's project with this slug or id.

    Raises:
        NotFound: there is none.
    """
    with services.store.read() as tx:
        return queries.require_project(tx, organization, slug_or_id)


def list_projects(services: Services, organization: Organization, request: PageQuery) -> Page[Project]:
    """Return a page of the organization's projects, by slug."""
    with services.store.read() as tx:
        return queries.project_page(tx, organization.id, request)


def _slug_of(name: str | None) -> str:
    """Return the slug of a name without one: its letters and digits in ASCII, with hyphens between words.

    Raises:
        InvalidInput: there is no name, or it has no letter of that kind.
    """
    if name is None:
        raise InvalidInput("This field is required, unless there is a name to make it from.", "slug")
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = _NOT_IN_SLUG.sub("-", plain)[:_SLUG_LENGTH].strip("-_")
    if not slug or slug.isdigit():
        raise InvalidInput("No slug can be made from this name; send a slug too.", "slug")
    return slug


def _check_slug(slug: str) -> None:
    if not _SLUG.fullmatch(slug):
        raise InvalidInput(
            f"slug {slug[:60]!r} is not valid: use up to 50 lower-case letters, digits, - and _, not digits alone",
            "slug",
        )
