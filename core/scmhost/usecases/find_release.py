"""Find a release by its version."""

from scmhost.kernel.errors import NotFound
from scmhost.sdk import Organization
from scmhost.store import releases
from scmhost.store.engine import Transaction
from scmhost.store.values import Project, Release


def require_release(
    tx: Transaction, organization: Organization, version: str, project: Project | None = None
) -> Release:
    """The release with this version, of the project if one is named; or a NotFound that names it."""
    release = releases.find(tx, organization.id, version)
    if release is None:
        raise NotFound(f"Organization {organization.slug!r} has no release {version!r}.")
    if project is not None and project.id not in {own.id for own in release.projects}:
        raise NotFound(f"Project {project.slug!r} has no release {version!r}.")
    return release
