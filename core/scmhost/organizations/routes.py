"""Routes of the caller, organizations and projects, and their wire shapes."""

from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field

from scmhost import __version__
from scmhost.infra.http import Moment, RequestedPage, UserOut, Wire
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
from .queries import Project


class AuthOut(Wire):
    scopes: list[str]


class IndexOut(Wire):
    version: str
    auth: AuthOut | None
    user: UserOut | None


class StatusOut(Wire):
    id: str
    name: str


class HealthOut(Wire):
    """Empty as long as the service answers: the state of the host is no matter of its organizations."""

    problems: list[str] = Field(default_factory=list)
    healthy: dict[str, bool] = Field(default_factory=dict)


class RegionsOut(Wire):
    """The service is one region, which has no address of its own."""

    regions: list[str] = Field(default_factory=list)


class OrganizationOut(Wire):
    id: str
    slug: str
    name: str
    date_created: Moment
    status: StatusOut
    # Always the same here, but Sentry's clients read them.
    is_early_adopter: bool = False
    require2_fa: bool = Field(default=False, alias="require2FA")
    require_email_verification: bool = False
    features: list[str] = Field(default_factory=list)


class ProjectOut(Wire):
    id: str
    slug: str
    name: str
    platform: str | None
    date_created: Moment
    # A field of Sentry; scmhost has no teams.
    team: None = None


class NewProject(BaseModel):
    """A project to create."""

    slug: str
    name: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    platform: Annotated[str, Field(max_length=64)] | None = None


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
def organizations_list(services: ServicesDep, caller: CallerDep, page: RequestedPage) -> Sequence[OrganizationOut]:
    """The organization of the token."""
    # A token belongs to one organization, so there is at most one page with one object.
    own = [] if page.request.offset else [caller.organization]
    return page.answer(Page(own, page.request, more=False), [_organization_out(services, each) for each in own])


@router.get("/organizations/{organization}/")
def organizations_show(services: ServicesDep, organization: ForOrganization) -> OrganizationOut:
    """One organization."""
    return _organization_out(services, organization)


def _user(caller: Caller) -> UserOut:
    token = caller.token
    # A reserved domain: no mail for a token reaches anybody.
    address = f"token-{token.id}@{caller.organization.slug}.invalid"
    return UserOut(id=str(token.id), name=token.name, username=token.name, email=address)


def _organization_out(services: Services, organization: Organization) -> OrganizationOut:
    return OrganizationOut(
        id=str(organization.id),
        slug=organization.slug,
        name=organization.name,
        date_created=creation_time(services, organization),
        status=StatusOut(id="active", name="active"),
    )


projects_router: Final = APIRouter(prefix="/api/0/organizations/{organization}/projects", tags=["projects"])

project_router: Final = APIRouter(prefix="/api/0/projects/{organization}/{project}", tags=["projects"])


@projects_router.get("/")
def projects_list(services: ServicesDep, organization: ForOrganization, page: RequestedPage) -> Sequence[ProjectOut]:
    """Projects by slug."""
    projects = list_projects(services, organization, page.request)
    return page.answer(projects, [_project_out(project) for project in projects.items])


@projects_router.post(
    "/", status_code=201, responses={200: {"model": ProjectOut, "description": "The project existed already."}}
)
def projects_add(
    services: AuditedServices, organization: ForProjects, new: NewProject, response: Response
) -> ProjectOut:
    """Create a project. For a slug that exists, return the existing project."""
    project, created = create_project(services, organization, new.slug, new.name, new.platform)
    # A client that repeats a request can tell from the status whether the project is new.
    response.status_code = 201 if created else 200
    return _project_out(project)


@project_router.get("/")
def projects_show(project: ProjectToRead) -> ProjectOut:
    """One project."""
    return _project_out(project)


def _project_out(project: Project) -> ProjectOut:
    return ProjectOut(
        id=str(project.id),
        slug=project.slug,
        name=project.name,
        platform=project.platform,
        date_created=project.created_at,
    )
