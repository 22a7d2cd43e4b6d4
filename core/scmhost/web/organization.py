"""The start page, organizations, and their projects."""

from typing import Final

from starlette.responses import Response

from scmhost.admin.removal import due_removals
from scmhost.infra.errors import InvalidInput
from scmhost.infra.paging import PageQuery
from scmhost.organizations.create import create_organization, create_project, list_projects

from .rendering import segment
from .visit import Visit, get, post

_PROJECTS: Final = 100
# The start page reads each organization's projects, and is one to look at.
_ORGANIZATIONS_SHOWN: Final = 50
_PROJECTS_SHOWN: Final = 12


def show_start(visit: Visit) -> Response:
    """The organizations of the person. Who has one organization sees its page."""
    organizations = visit.organizations
    if len(organizations) == 1 and not visit.person.person.host_admin:
        return visit.redirect(f"/organizations/{segment(organizations[0].slug)}")
    return _start_page(visit)


def add_organization(visit: Visit) -> Response:
    """Create an organization."""
    visit.require_host_admin()
    slug = visit.field("slug")
    try:
        organization = create_organization(visit.acting, slug, visit.field("name") or None)
    except InvalidInput as error:
        return _start_page(visit, 400, problem=error.message, slug=slug)
    return visit.redirect(f"/organizations/{organization.slug}", f"Organization {organization.slug} is there.")


def show_organization(visit: Visit) -> Response:
    """The projects of an organization."""
    return _organization_page(visit)


def add_project(visit: Visit) -> Response:
    """Create a project."""
    organization = visit.require_admin()
    try:
        project, _ = create_project(visit.acting, organization, visit.field("slug"))
    except InvalidInput as error:
        return _organization_page(visit, 400, problem=error.message, slug=visit.field("slug"))
    path = f"/organizations/{organization.slug}/projects/{project.slug}"
    return visit.redirect(path, f"Project {project.slug} is there.")


def _start_page(visit: Visit, status: int = 200, problem: str | None = None, slug: str = "") -> Response:
    first = PageQuery(size=_PROJECTS_SHOWN)
    shown = visit.organizations[:_ORGANIZATIONS_SHOWN]
    listed = [(each, list_projects(visit.services, each, first)) for each in shown]
    more = len(visit.organizations) - len(shown)
    return visit.page("start.html", status, listed=listed, more=more, problem=problem, slug=slug)


def _organization_page(visit: Visit, status: int = 200, problem: str | None = None, slug: str = "") -> Response:
    projects = list_projects(visit.services, visit.organization, visit.page_query(_PROJECTS))
    due = due_removals(visit.services, visit.organization)
    return visit.page("organization.html", status, projects=projects, due=due, problem=problem, slug=slug)


VIEWS: Final = (
    get("/", show_start),
    post("/organizations", add_organization),
    get("/organizations/{organization}", show_organization),
    post("/organizations/{organization}/projects", add_project),
)
