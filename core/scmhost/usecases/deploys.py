"""Note that a release came to run somewhere, and list when it did."""

import re
from collections.abc import Sequence
from typing import Final

from scmhost.kernel.errors import InvalidInput
from scmhost.kernel.paging import Page, PageRequest
from scmhost.sdk import Organization
from scmhost.store import deploys
from scmhost.store.values import Deploy, DeployDraft

from .create_organization import project_ids
from .find_release import require_release
from .services import Services

_BAD_ENVIRONMENT: Final = re.compile(r"[\x00-\x1f/]")


def create_deploy(
    services: Services, organization: Organization, version: str, draft: DeployDraft, projects: Sequence[str]
) -> tuple[Deploy, bool]:
    """Note a deploy of a release: of the named projects, else of all that have it. Told again, nothing changes.

    Raises:
        NotFound: there is no such release.
        InvalidInput: the environment or a project is wrong.
    """
    _check(services, draft)
    with services.store.write() as tx:
        release = require_release(tx, organization, version)
        own = [project.id for project in release.projects]
        ids = project_ids(tx, organization, projects) or own
        if not set(ids) <= set(own):
            raise InvalidInput(
                f"Release {version!r} is not of all of these projects; add them to it first.", "projects"
            )
        return deploys.create(tx, organization.id, release.id, draft, ids, services.clock.now())


def list_deploys(services: Services, organization: Organization, version: str, request: PageRequest) -> Page[Deploy]:
    """The deploys of a release, the last one first."""
    with services.store.read() as tx:
        release = require_release(tx, organization, version)
        return deploys.page(tx, organization.id, release.id, request)


def _check(services: Services, draft: DeployDraft) -> None:
    if not draft.environment.strip() or _BAD_ENVIRONMENT.search(draft.environment):
        raise InvalidInput("An environment has a name, without slashes and control characters.", "environment")
    services.limits.check("environment_length", len(draft.environment), "environment")
    services.limits.check("deploy_name_length", len(draft.name or ""), "name")
