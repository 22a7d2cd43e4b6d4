"""SQL that counts and deletes what belongs to a project, or to an organization."""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import delete, func, select

from scmhost.infra.db.engine import Transaction
from scmhost.infra.db.schema import ALL_TABLES
from scmhost.installations.tables import INSTALLATIONS
from scmhost.organizations.queries import count_rows
from scmhost.organizations.tables import ORGANIZATIONS, PROJECTS
from scmhost.repositories.tables import REPOSITORIES

# The tables whose rows are counted, by what the rows are.
_OF_PROJECT: Final[Mapping[str, str]] = {
    "code mappings": "code_mappings",
    "shared traces": "shared_traces",
    "places in releases": "release_projects",
}
_OF_ORGANIZATION: Final[Mapping[str, str]] = {
    "projects": "projects",
    "code mappings": "code_mappings",
    "repositories": "repositories",
    "commits": "commits",
    "releases": "releases",
    "installations": "installations",
    "tokens": "tokens",
    "redirect keys": "redirect_keys",
    "people": "memberships",
}
_ACCESS: Final = ("tokens", "redirect_keys", "memberships")
# Entries outlive their organization.
_KEPT: Final = frozenset({"audit_entries"})


def count_of_project(tx: Transaction, organization_id: int, project_id: int) -> dict[str, int]:
    """Return how many rows go with a project, by what they are."""
    counts = {}
    for name, table in _OF_PROJECT.items():
        columns = ALL_TABLES.tables[table].c
        own = (columns.organization_id == organization_id) & (columns.project_id == project_id)
        counts[name] = tx.scalar(select(func.count()).select_from(ALL_TABLES.tables[table]).where(own)) or 0
    return counts


def count_of_organization(tx: Transaction, organization_id: int) -> dict[str, int]:
    """Return how many rows go with an organization, by what they are."""
    return {name: count_rows(tx, table, organization_id) for name, table in _OF_ORGANIZATION.items()}


def delete_project(tx: Transaction, organization_id: int, project_id: int) -> bool:
    """Delete a project with its code mappings and shared traces; releases stay. Return whether it existed."""
    is_row = (PROJECTS.c.organization_id == organization_id) & (PROJECTS.c.id == project_id)
    tx.mark_changed(organization_id)
    return tx.execute(delete(PROJECTS).where(is_row).returning(PROJECTS.c.id)).first() is not None


def delete_access(tx: Transaction, organization_id: int) -> None:
    """Delete tokens, redirect keys and memberships, so that nobody adds rows while others are deleted."""
    tx.mark_changed(organization_id)
    for table in map(ALL_TABLES.tables.__getitem__, _ACCESS):
        tx.execute(delete(table).where(table.c.organization_id == organization_id))


def repository_ids(tx: Transaction, organization_id: int) -> list[int]:
    """Return the ids of all repositories of an organization."""
    query = select(REPOSITORIES.c.id).where(REPOSITORIES.c.organization_id == organization_id)
    return list(tx.scalars(query.order_by(REPOSITORIES.c.id)))


def installation_ids(tx: Transaction, organization_id: int) -> list[int]:
    """Return the ids of all installations of an organization."""
    query = select(INSTALLATIONS.c.id).where(INSTALLATIONS.c.organization_id == organization_id)
    return list(tx.scalars(query.order_by(INSTALLATIONS.c.id)))


def delete_organization(tx: Transaction, organization_id: int) -> bool:
    """Delete an organization and its rows in all tables but the audit log. Return whether it existed."""
    # One by one, each before those that it refers to: PostgreSQL checks the keys of each cascade on its own.
    for table in reversed(ALL_TABLES.sorted_tables):
        if "organization_id" in table.c and table.name not in _KEPT:
            tx.execute(delete(table).where(table.c.organization_id == organization_id))
    is_row = ORGANIZATIONS.c.id == organization_id
    return tx.execute(delete(ORGANIZATIONS).where(is_row).returning(ORGANIZATIONS.c.id)).first() is not None
