"""Create and find organizations and projects."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from scmhost.audit.record import record
from scmhost.infra.db.engine import Transaction
from scmhost.infra.errors import InvalidInput, NotFound
from scmhost.infra.paging import Page, PageRequest
from scmhost.sdk import Organization
from scmhost.services import Services

from . import queries
from .values import Project

ALL_PROJECTS: Final = "-1"
"""What stands for every project where projects are named, as in Sentry's API."""

# Not all digits: a segment of a path may be a slug or an id.
_SLUG: Final = re.compile(r"(?!\d+$)[a-z0-9][a-z0-9_-]{0,49}", re.ASCII)


def create_organization(services: Services, slug: str, name: str | None = None) -> Organization:
    """Create an organization, or give the one that has this slug."""
    _check_slug(slug)
    with services.store.write() as tx:
        known = queries.find_organization(tx, slug)
        if known is not None:
            return known
        new = queries.create_organization(tx, slug, name or slug, services.clock.now())
        record(tx, services, new, "org.create", (new.id, new.slug))
        return new


def find_organization(services: Services, slug_or_id: str) -> Organization:
    """The organization with this slug or id."""
    with services.store.read() as tx:
        organization = queries.find_organization(tx, slug_or_id)
    if organization is None:
        raise NotFound(f"There is no organization {slug_or_id!r}; create it with `scmhost bootstrap`.")
    return organization


def creation_time(services: Services, organization: Organization) -> datetime:
    """When an organization was created."""
    with services.store.read() as tx:
        return queries.organization_created_at(tx, organization.id)


def create_project(
    services: Services, organization: Organization, slug: str, name: str | None = None, platform: str | None = None
) -> tuple[Project, bool]:
    """Create a project, or give the one that has this slug. The second value says whether it is new."""
    _check_slug(slug)
    with services.store.write() as tx:
        known = queries.find_project(tx, organization.id, slug)
        if known is not None:
            return known, False
        new = queries.create_project(tx, organization.id, slug, name or slug, platform, services.clock.now())
        record(tx, services, organization, "project.create", (new.id, new.slug))
        return new, True


def find_project(services: Services, organization: Organization, slug_or_id: str) -> Project:
    """The organization's project with this slug or id."""
    with services.store.read() as tx:
        project = queries.find_project(tx, organization.id, slug_or_id)
    if project is None:
        raise NotFound(f"Organization {organization.slug!r} has no project {slug_or_id!r}.")
    return project


def project_ids(tx: Transaction, organization: Organization, names: Sequence[str]) -> list[int]:
    """The ids of the projects with these slugs or ids.

    Raises:
        InvalidInput: one of them is not there.
    """
    found = [queries.find_project(tx, organization.id, name) for name in names]
    if any(project is None for project in found):
        raise InvalidInput("Invalid project ids or slugs", "projects")
    return [project.id for project in found if project is not None]


def list_projects(services: Services, organization: Organization, request: PageRequest) -> Page[Project]:
    """The organization's projects, by slug."""
    with services.store.read() as tx:
        return queries.project_page(tx, organization.id, request)


def _check_slug(slug: str) -> None:
    if not _SLUG.fullmatch(slug):
        raise InvalidInput(
            f"slug {slug!r} is not one: use up to 50 lower-case letters, digits, - and _, not digits alone", "slug"
        )
