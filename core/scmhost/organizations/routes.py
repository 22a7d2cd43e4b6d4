"""Routes of the caller, organizations and projects."""

from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from scmhost import __version__
from scmhost.infra.http import UserOut, Wanted
from scmhost.infra.paging import Page
from scmhost.sdk import Organization
from scmhost.services import Services

from .access import ActingServices, CallerOf, CallerOrNobody, ForOrganization, ForProjects, ProjectToRead, ServicesOf
from .create import create_project, creation_time, list_projects
from .schemas import AuthOut, IndexOut, OrganizationOut, ProjectOut, StatusOut
from .tokens import Caller
from .values import Project

router: Final = APIRouter(prefix="/api/0", tags=["me"])


@router.get("/")
def index_show(caller: CallerOrNobody) -> IndexOut:
    """Who asks, and with which scopes; nobody is fine too."""
    if caller is None:
        return IndexOut(version=__version__, auth=None, user=None)
    return IndexOut(version=__version__, auth=AuthOut(scopes=sorted(caller.token.scopes)), user=_user(caller))


@router.get("/auth/")
def token_show(caller: CallerOf) -> UserOut:
    """The token that asks, in the form of a person: the clients that ask this expect one."""
    return _user(caller)


@router.get("/organizations/")
def organizations_list(services: ServicesOf, caller: CallerOf, page: Wanted) -> Sequence[OrganizationOut]:
    """The organization of the token."""
    own = [] if page.request.offset else [caller.organization]
    return page.answer(Page(own, page.request, more=False), [_organization_out(services, each) for each in own])


@router.get("/organizations/{organization}/")
def organizations_show(services: ServicesOf, organization: ForOrganization) -> OrganizationOut:
    """One organization."""
    return _organization_out(services, organization)


def _user(caller: Caller) -> UserOut:
    token = caller.token
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


class NewProject(BaseModel):
    """A project to create."""

    slug: str
    name: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    platform: Annotated[str, Field(max_length=64)] | None = None


@projects_router.get("/")
def projects_list(services: ServicesOf, organization: ForOrganization, page: Wanted) -> Sequence[ProjectOut]:
    """Projects by slug."""
    found = list_projects(services, organization, page.request)
    return page.answer(found, [_project_out(project) for project in found.items])


@projects_router.post(
    "/", status_code=201, responses={200: {"model": ProjectOut, "description": "It was there already."}}
)
def projects_add(
    services: ActingServices, organization: ForProjects, new: NewProject, response: Response
) -> ProjectOut:
    """Create a project. The same slug again gives the project that is there."""
    project, created = create_project(services, organization, new.slug, new.name, new.platform)
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
