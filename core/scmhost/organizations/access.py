"""FastAPI dependencies: the services, the caller, and the organization and project that the caller may use."""

from collections.abc import Awaitable, Callable
from typing import Annotated, cast

from fastapi import Depends, Path, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from scmhost.infra.errors import Forbidden, NotFound, Unauthenticated
from scmhost.sdk import Organization
from scmhost.services import Services

from .create import find_project
from .tokens import SCOPES, Caller, ScopeClass, authenticate
from .values import Project

_BEARER = HTTPBearer(auto_error=False, description="A token of `scmhost token create`.")

OrganizationSegment = Annotated[str, Path(alias="organization", description="An organization's slug or id.")]
ProjectSegment = Annotated[str, Path(alias="project", description="A project's slug or id.")]


async def services_of(request: Request) -> Services:
    """The services that the application was made with. Nothing waits here, so that it needs no thread."""
    return cast("Services", request.app.state.services)


ServicesOf = Annotated[Services, Depends(services_of)]


def caller_of(
    services: ServicesOf, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]
) -> Caller:
    """Who asks, by their bearer token."""
    if credentials is None:
        raise Unauthenticated("Authentication credentials were not provided.")
    return authenticate(services, credentials.credentials)


CallerOf = Annotated[Caller, Depends(caller_of)]


async def acting_services(services: ServicesOf, caller: CallerOf) -> Services:
    """The services for routes that change something: the audit log tells who did."""
    return services.for_actor(caller.actor)


ActingServices = Annotated[Services, Depends(acting_services)]


def caller_or_nobody(
    services: ServicesOf, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]
) -> Caller | None:
    """Who asks, or None where no token was sent. A wrong one is refused all the same."""
    return None if credentials is None else caller_of(services, credentials)


CallerOrNobody = Annotated[Caller | None, Depends(caller_or_nobody)]


def allowed(scope_class: ScopeClass) -> Callable[..., Awaitable[Organization]]:
    """A dependency: the organization in the path, if the caller's token is of it and has a scope for the method."""

    async def check(request: Request, organization: OrganizationSegment, caller: CallerOf) -> Organization:
        if organization not in (caller.organization.slug, str(caller.organization.id)):
            raise NotFound(f"There is no organization {organization!r} that this token may see.")
        check_scope(caller, scope_class, request.method)
        return caller.organization

    return check


def check_scope(caller: Caller, scope_class: ScopeClass, method: str) -> None:
    scopes = SCOPES[scope_class].get(method, frozenset())
    if not caller.may(scopes):
        raise Forbidden(f"This token may not do that; one of these scopes is needed: {', '.join(sorted(scopes))}.")


ForOrganization = Annotated[Organization, Depends(allowed("organization"))]
ForAudit = Annotated[Organization, Depends(allowed("audit"))]
ForIntegrations = Annotated[Organization, Depends(allowed("integrations"))]
ForLoose = Annotated[Organization, Depends(allowed("loose"))]
ForReleases = Annotated[Organization, Depends(allowed("releases"))]
ForProjects = Annotated[Organization, Depends(allowed("project"))]
ForLinks = Annotated[Organization, Depends(allowed("links"))]


def project_in(scope_class: ScopeClass) -> Callable[..., Project]:
    """A dependency: the project in the path, of the caller's organization."""

    def find(
        services: ServicesOf,
        organization: Annotated[Organization, Depends(allowed(scope_class))],
        project: ProjectSegment,
    ) -> Project:
        return find_project(services, organization, project)

    return find


ProjectToRead = Annotated[Project, Depends(project_in("project"))]
ProjectToLink = Annotated[Project, Depends(project_in("links"))]
ProjectOfReleases = Annotated[Project, Depends(project_in("releases"))]


NumericId = Annotated[str, Path(description="A number.")]


def numeric(text: str, what: str) -> int:
    """The id in a path's segment; anything but a number names nothing."""
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(2**53))):
        raise NotFound(f"There is no {what} with the id {text[:40]!r}.")
    return int(text)
