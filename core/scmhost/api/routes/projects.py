"""Projects of an organization."""

from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from scmhost.api.context import ActingServices, ForOrganization, ForProjects, ProjectToRead, ServicesOf
from scmhost.api.pages import Wanted
from scmhost.api.shapes import ProjectOut
from scmhost.usecases.create_organization import create_project, list_projects
from scmhost.usecases.values import Project

router: Final = APIRouter(prefix="/api/0/organizations/{organization}/projects", tags=["projects"])

one: Final = APIRouter(prefix="/api/0/projects/{organization}/{project}", tags=["projects"])


class NewProject(BaseModel):
    """A project to create."""

    slug: str
    name: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    platform: Annotated[str, Field(max_length=64)] | None = None


@router.get("/")
def list_all(services: ServicesOf, organization: ForOrganization, page: Wanted) -> Sequence[ProjectOut]:
    """Projects by slug."""
    found = list_projects(services, organization, page.request)
    return page.answer(found, [_shown(project) for project in found.items])


@router.post("/", status_code=201, responses={200: {"model": ProjectOut, "description": "It was there already."}})
def create(services: ActingServices, organization: ForProjects, new: NewProject, response: Response) -> ProjectOut:
    """Create a project. The same slug again gives the project that is there."""
    project, created = create_project(services, organization, new.slug, new.name, new.platform)
    response.status_code = 201 if created else 200
    return _shown(project)


@one.get("/")
def get_one(project: ProjectToRead) -> ProjectOut:
    """One project."""
    return _shown(project)


def _shown(project: Project) -> ProjectOut:
    return ProjectOut(
        id=str(project.id),
        slug=project.slug,
        name=project.name,
        platform=project.platform,
        date_created=project.created_at,
    )
