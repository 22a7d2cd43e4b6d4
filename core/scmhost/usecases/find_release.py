"""Find a release by its version."""

from scmhost.kernel.errors import NotFound
from scmhost.sdk import Organization
from scmhost.store import releases
from scmhost.store.engine import Transaction
from scmhost.store.values import Release


def require_release(tx: Transaction, organization: Organization, version: str) -> Release:
    """The release with this version, or a NotFound that names it."""
    release = releases.find(tx, organization.id, version)
    if release is None:
        raise NotFound(f"Organization {organization.slug!r} has no release {version!r}.")
    return release
