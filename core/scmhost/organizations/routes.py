"""Routes of the caller, organizations and projects."""

from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter, Depends, Request, Response

from scmhost import __version__
from scmhost.infra.http import RequestedPage, UserOut, service_url
from scmhost.infra.paging import Page
from scmhost.organizations.access import (
    AuditedServices,
    CallerDep,
    ForOrganization,
    ForProjects,
    OptionalCaller,
    ProjectToRead,
    ServicesDep,
    authenticated_caller,
)
from scmhost.sdk import Organization
from scmhost.services import Services

from .access import Caller
from .create import create_project, creation_time, list_projects
from .schemas import (
    AuthOut,
    HealthOut,
    IndexOut,
    NewProject,
    OrganizationOut,
    ProjectOut,
    RegionsOut,
    StatusOut,
    links_of,
    project_out,
)

router: Final = APIRouter(prefix="/api/0", tags=["me"])


@router.get("/")
def index_show(caller: OptionalCaller) -> IndexOut:
    """The version of the service, and the token of the request with its scopes. A token is not required."""
    if caller is None:
        return IndexOut(version=__version__, auth=None, user=None)
    return IndexOut(version=__version__, auth=AuthOut(scopes=sorted(caller.token.scopes)), user=_user(caller))


@router.get("/auth/")
def token_show(caller: CallerDep) -> UserOut:
    """The token of the request, in the shape of a user, which Sentry's clients expect."""
    return _user(caller)


@router.get("/internal/health/", dependencies=[Depends(authenticated_caller)])
async def internal_health_show() -> HealthOut:
    """Answers 200 to a valid token; the Terraform provider checks its settings with it."""
    return HealthOut()


@router.get("/users/me/regions/", dependencies=[Depends(authenticated_caller)])
async def regions_list() -> RegionsOut:
    """No regions, so that clients send all requests to the address that they have."""
    return RegionsOut()


@router.get("/organizations/")
def organizations_list(
    request: Request, services: ServicesDep, caller: CallerDep, page: RequestedPage
) -> Sequence[OrganizationOut]:
    """The organization of the token."""
    # A token belongs to one organization, so there is at most one page with one object.
    own = [] if page.request.offset else [caller.organization]
    return page.answer(
        Page(own, page.request, more=False), [_organization_out(request, services, each) for each in own]
    )


@router.get("/organizations/{organization}/")
def organizations_show(request: Request, services: ServicesDep, organization: ForOrganization) -> OrganizationOut:
    """One organization."""
    return _organization_out(request, services, organization)


def _user(caller: Caller) -> UserOut:
    token = caller.token
    # A reserved domain: no mail for a token reaches anybody.
    address = f"token-{token.id}@{caller.organization.slug}.invalid"
    return UserOut(id=str(token.id), name=token.name, username=token.name, email=address)


def _organization_out(request: Request, services: Services, organization: Organization) -> OrganizationOut:
    # Clients send further requests to this address.
    address = service_url(request)
    return OrganizationOut(
        id=str(organization.id),
        slug=organization.slug,
        name=organization.name,
        date_created=creation_time(services, organization),
        status=StatusOut(id="active", name="active"),
        links=links_of(organization, address),
    )


projects_router: Final = APIRouter(prefix="/api/0/organizations/{organization}/projects", tags=["projects"])

project_router: Final = APIRouter(prefix="/api/0/projects/{organization}/{project}", tags=["projects"])


@projects_router.get("/")
def projects_list(
    request: Request, services: ServicesDep, organization: ForOrganization, caller: CallerDep, page: RequestedPage
) -> Sequence[ProjectOut]:
    """Projects by slug."""
    projects = list_projects(services, organization, page.request)
    own = _organization_out(request, services, organization)
    return page.answer(projects, [project_out(project, own, caller.token.scopes) for project in projects.items])


@projects_router.post(
    "/", status_code=201, responses={200: {"model": ProjectOut, "description": "The project existed already."}}
)
def projects_add(
    request: Request,
    services: AuditedServices,
    organization: ForProjects,
    caller: CallerDep,
    new: NewProject,
    response: Response,
) -> ProjectOut:
    """Create a project. For a slug that exists, return the existing project."""
    project, created = create_project(services, organization, new.slug, new.name, new.platform)
    # A client that repeats a request can tell from the status whether the project is new.
    response.status_code = 201 if created else 200
    return project_out(project, _organization_out(request, services, organization), caller.token.scopes)


# Without ``team``, which is null in a list and absent here, as in Sentry's schema.
@project_router.get("/", response_model_exclude={"team"})
def projects_show(request: Request, services: ServicesDep, project: ProjectToRead, caller: CallerDep) -> ProjectOut:
    """One project."""
    return project_out(project, _organization_out(request, services, caller.organization), caller.token.scopes)
