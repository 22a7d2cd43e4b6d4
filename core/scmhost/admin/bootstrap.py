"""Set up an organization in one idempotent step."""

from collections.abc import Sequence
from dataclasses import dataclass

from scmhost.organizations.create import create_organization, create_project
from scmhost.organizations.queries import Project
from scmhost.organizations.tokens import DEFAULT_SCOPES, create_token, list_tokens
from scmhost.repositories.claim import create_repository
from scmhost.sdk import Organization, Repository
from scmhost.services import Services


@dataclass(frozen=True, slots=True)
class Bootstrapped:
    """The organization with its rows, and a token, or an empty text if the organization has a valid one already."""

    organization: Organization
    project: Project
    token: str
    repositories: Sequence[Repository]


def bootstrap(
    services: Services, organization_slug: str, project_slug: str, repositories: Sequence[tuple[str, str | None]] = ()
) -> Bootstrapped:
    """Create those of an organization, a project and repositories that do not exist.

    An organization without a valid token gets one, with all scopes but ``code:read``.

    Args:
        services: the services of the process.
        organization_slug: the organization's slug.
        project_slug: the project's slug.
        repositories: the name and the URL of each repository.

    Raises:
        InvalidInput: a slug, a name or a URL is invalid.
    """
    organization = create_organization(services, organization_slug)
    project, _ = create_project(services, organization, project_slug)
    existing = [create_repository(services, organization, name, url)[0] for name, url in repositories]
    now, token = services.clock.now(), ""
    # A project that is added later needs no second token that may do everything.
    if not any(one.is_valid(now) for one in list_tokens(services, organization)):
        # Last: if a name or a URL above is invalid, no token that nobody has seen remains.
        _, token = create_token(services, organization, "bootstrap", DEFAULT_SCOPES)
    return Bootstrapped(organization, project, token, existing)
