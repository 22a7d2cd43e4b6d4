"""Find the release before another, whose commit a checkout of the same repository can be expected to have."""

from collections.abc import Collection

from scmhost.kernel.paging import PageRequest
from scmhost.sdk import Organization, Repository
from scmhost.store import commits, projects, releases, repositories
from scmhost.store.engine import Transaction

from .find_home import Clues, find_named, is_stand_in, only_home
from .find_release import require_release
from .services import Services
from .show_releases import ShownRelease, look_up, show


def previous_with_commits(
    services: Services, organization: Organization, version: str, repository: str | None = None
) -> ShownRelease | None:
    """The newest release before this one of a project of this one, with the commit at which it stood as its last.

    Clients look that commit up in their checkout, and fail when it is not there. So only a commit of the named
    repository is given, else of the only one that a checkout can be of; where it may be one of several, None.
    """
    with services.store.read() as tx:
        release = require_release(tx, organization, version)
        home = _checkout(tx, organization, [project.id for project in release.projects], repository)
        before = releases.before(tx, release, home.id) if home else None
        commit = commits.find(tx, organization.id, home.id, before[1]) if home and before else None
        if before is None or commit is None:
            return None
        found = look_up(tx, organization, [before[0]], {before[0].id: commit})
    return show(services, organization, found)[0]


def _checkout(
    tx: Transaction, organization: Organization, project_ids: Collection[int], named: str | None
) -> Repository | None:
    """The repository that the sender has before them."""
    if named:
        return find_named(tx, organization, named)
    return only_home(tx, organization, Clues(project_ids)) or _lone_stand_in(tx, organization)


def _lone_stand_in(tx: Transaction, organization: Organization) -> Repository | None:
    """The stand-in of an organization that has one project and nothing else: there it stands for one repository."""
    active = repositories.active_ids(tx, organization.id, 2)
    if len(active) != 1 or len(projects.page(tx, organization.id, PageRequest(0, 2)).items) != 1:
        return None
    found = repositories.get(tx, organization.id, active[0])
    return found if found and is_stand_in(found) else None
