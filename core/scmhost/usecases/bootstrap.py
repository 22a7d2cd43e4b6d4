"""Set an organization up in one idempotent step."""

from collections.abc import Sequence
from dataclasses import dataclass

from scmhost.sdk import Organization, Repository
from scmhost.store.values import Project

from .create_organization import create_organization, create_project
from .repositories import create_repository
from .scopes import ALL_SCOPES
from .services import Services
from .tokens import create_token


@dataclass(frozen=True, slots=True)
class Bootstrapped:
    """What is there now. The token is new each time: the secret of an older one cannot be shown again."""

    organization: Organization
    project: Project
    token: str
    repositories: Sequence[Repository]


def bootstrap(
    services: Services, organization_slug: str, project_slug: str, repositories: Sequence[tuple[str, str | None]] = ()
) -> Bootstrapped:
    """Create what is missing of an organization, a project and repositories, and a token with all scopes."""
    organization = create_organization(services, organization_slug)
    project, _ = create_project(services, organization, project_slug)
    known = [create_repository(services, organization, name, url)[0] for name, url in repositories]
    _, token = create_token(services, organization, "bootstrap", ALL_SCOPES)
    return Bootstrapped(organization, project, token, known)
