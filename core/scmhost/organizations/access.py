"""FastAPI dependencies: the services, the caller, and the organization and project that the caller may use."""

from collections.abc import Awaitable, Callable
from typing import Annotated, cast

from fastapi import Depends, Path, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from scmhost.infra.errors import Forbidden, NotFound, Unauthenticated
from scmhost.sdk import Organization
from scmhost.services import Services

from .create import find_project
from .queries import Project
from .tokens import SCOPES, Caller, ScopeClass, authenticate

# Without auto_error: FastAPI's own error would have another shape than Sentry's.
_BEARER = HTTPBearer(auto_error=False, description="A token of `scmhost token create`.")

OrganizationSegment = Annotated[str, Path(alias="organization", description="An organization's slug or id.")]
ProjectSegment = Annotated[str, Path(alias="project", description="A project's slug or id.")]


async def services_of(request: Request) -> Services:
    """Return the services of the application. It is async, because FastAPI runs a plain function in a thread."""
    return cast("Services", request.app.state.services)


ServicesDep = Annotated[Services, Depends(services_of)]


def authenticated_caller(
    services: ServicesDep, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]
) -> Caller:
    """Return the caller that the bearer token belongs to."""
    if credentials is None:
        raise Unauthenticated("Authentication credentials were not provided.")
    return authenticate(services, credentials.credentials)


CallerDep = Annotated[Caller, Depends(authenticated_caller)]


async def acting_services(services: ServicesDep, caller: CallerDep) -> Services:
    """Return the services for routes that change something: the audit log names the caller."""
    return services.for_actor(caller.actor)


AuditedServices = Annotated[Services, Depends(acting_services)]


def optional_caller(
    services: ServicesDep, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]
) -> Caller | None:
    """Return the caller, or None if the request has no token. An invalid token is refused."""
    return None if credentials is None else authenticated_caller(services, credentials)


OptionalCaller = Annotated[Caller | None, Depends(optional_caller)]


def require_scope(scope_class: ScopeClass) -> Callable[..., Awaitable[Organization]]:
    """Return a dependency: the organization in the path, if the caller's token may use the method there."""

    async def check(request: Request, organization: OrganizationSegment, caller: CallerDep) -> Organization:
        # 404 for another organization's slug too, so that a token does not reveal which organizations exist.
        if organization not in (caller.organization.slug, str(caller.organization.id)):
            raise NotFound(f"There is no organization {organization!r} that this token may see.")
        check_scope(caller, scope_class, request.method)
        return caller.organization

    return check


def check_scope(caller: Caller, scope_class: ScopeClass, method: str) -> None:
    """Check that the caller's token has a scope for a method.

    Raises:
        Forbidden: it has none.
    """
    scopes = SCOPES[scope_class].get(method, frozenset())
    if not caller.has_any(scopes):
        raise Forbidden(f"This token may not do that; one of these scopes is needed: {', '.join(sorted(scopes))}.")


ForOrganization = Annotated[Organization, Depends(require_scope("organization"))]
ForAudit = Annotated[Organization, Depends(require_scope("audit"))]
ForIntegrations = Annotated[Organization, Depends(require_scope("integrations"))]
ForLoose = Annotated[Organization, Depends(require_scope("loose"))]
ForReleases = Annotated[Organization, Depends(require_scope("releases"))]
ForProjects = Annotated[Organization, Depends(require_scope("project"))]
ForLinks = Annotated[Organization, Depends(require_scope("links"))]


def project_in(scope_class: ScopeClass) -> Callable[..., Project]:
    """Return a dependency: the project in the path, of the caller's organization."""

    def find(
        services: ServicesDep,
        organization: Annotated[Organization, Depends(require_scope(scope_class))],
        project: ProjectSegment,
    ) -> Project:
        return find_project(services, organization, project)

    return find


ProjectToRead = Annotated[Project, Depends(project_in("project"))]
ProjectToLink = Annotated[Project, Depends(project_in("links"))]
ProjectOfReleases = Annotated[Project, Depends(project_in("releases"))]


NumericId = Annotated[str, Path(description="A number.")]


def parse_id(text: str, what: str) -> int:
    """Return the id in a path segment.

    Raises:
        NotFound: the segment is no id; as with an unknown id, there is no such object.
    """
    # The length is limited: int() of a text with thousands of digits raises.
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(2**53))):
        raise NotFound(f"There is no {what} with the id {text[:40]!r}.")
    return int(text)
