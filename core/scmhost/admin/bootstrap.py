"""Set up an organization in one idempotent step."""

from collections.abc import Sequence
from dataclasses import dataclass

from scmhost.organizations.create import create_organization, create_project
from scmhost.organizations.queries import Project
from scmhost.organizations.tokens import ALL_SCOPES, create_token
from scmhost.repositories.manage import create_repository
from scmhost.sdk import Organization, Repository
from scmhost.services import Services


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
