"""The start page, organizations and their projects, and the settings of each, with their deletion."""

from collections.abc import Callable
from math import ceil
from typing import Final

from starlette.responses import Response

from scmhost.admin import removal
from scmhost.infra.errors import InvalidInput
from scmhost.infra.paging import PageQuery
from scmhost.links.traces import trace_seconds
from scmhost.organizations.create import create_organization, create_project, list_projects
from scmhost.organizations.queries import Project
from scmhost.organizations.quotas import QuotaUse, row_uses

from .rendering import segment
from .visit import View, Visit, get, post

_PROJECTS: Final = 100
# The start page reads each organization's projects, and is one to look at.
_ORGANIZATIONS_SHOWN: Final = 50
_PROJECTS_SHOWN: Final = 12
# The percentage of a quota from which on it is marked.
_MUCH: Final = 80
_TRACES: Final = "seconds of processor time for traces, in about an hour, in this worker"


def show_start(visit: Visit) -> Response:
    """The organizations of the person. A person with one organization gets its page."""
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


def show_limits(visit: Visit) -> Response:
    """What the organization has used of its quotas, and the rates of its requests."""
    services, organization = visit.services, visit.organization
    uses, limits = row_uses(services, organization), services.limits
    most = services.quota_of(organization).trace_seconds_per_hour
    uses.append(QuotaUse("trace_seconds_per_hour", _TRACES, ceil(trace_seconds(services, organization)), most))
    return visit.page("limits.html", uses=uses, limits=limits, much=_MUCH)


def _start_page(visit: Visit, status: int = 200, problem: str | None = None, slug: str = "") -> Response:
    first = PageQuery(size=_PROJECTS_SHOWN)
    shown = visit.organizations[:_ORGANIZATIONS_SHOWN]
    listed = [(each, list_projects(visit.services, each, first)) for each in shown]
    more = len(visit.organizations) - len(shown)
    return visit.page("start.html", status, listed=listed, more=more, problem=problem, slug=slug)


def _organization_page(visit: Visit, status: int = 200, problem: str | None = None, slug: str = "") -> Response:
    projects = list_projects(visit.services, visit.organization, visit.page_query(_PROJECTS))
    due = removal.due_removals(visit.services, visit.organization)
    return visit.page("organization.html", status, projects=projects, due=due, problem=problem, slug=slug)


def show_settings(visit: Visit, project: Project | None, problem: str = "") -> Response:
    """The facts of an organization or a project, and the form that deletes it."""
    return visit.page(
        "project_settings.html" if project else "organization_settings.html",
        400 if problem else 200,
        removal=removal.removal_of(visit.services, visit.organization, project),
        path=f"{_path(visit, project)}/settings",
        name=(project or visit.organization).slug,
        problem=problem,
    )


def delete(visit: Visit, project: Project | None) -> Response:
    """Delete an organization or a project, after an hour of grace, if its name is typed."""
    name = (project or visit.organization).slug
    try:
        removal.check_confirmed(name, visit.field("confirm"))
    except InvalidInput as error:
        return show_settings(visit, project, error.message)
    if project is None:
        removal.remove_organization(visit.acting, visit.organization)
    elif removal.remove_project(visit.acting, visit.organization, project).done:
        return visit.redirect(visit.organization_path, f"Project {name} is deleted.")
    return visit.redirect(f"{_path(visit, project)}/settings")


def keep(visit: Visit, project: Project | None) -> Response:
    """Keep an organization or a project that is going to be deleted."""
    removal.keep(visit.acting, visit.organization, project)
    return visit.redirect(f"{_path(visit, project)}/settings", "It stays.")


def _path(visit: Visit, project: Project | None) -> str:
    return visit.project_path if project else visit.organization_path


def _of_organization(show: Callable[[Visit, None], Response]) -> Callable[[Visit], Response]:
    def answer(visit: Visit) -> Response:
        visit.require_admin()
        return show(visit, None)

    return answer


def _of_project(show: Callable[[Visit, Project], Response]) -> Callable[[Visit], Response]:
    def answer(visit: Visit) -> Response:
        visit.require_admin()
        return show(visit, visit.project)

    return answer


_ORGANIZATION: Final = "/organizations/{organization}/settings"
_PROJECT: Final = "/organizations/{organization}/projects/{project}/settings"

VIEWS: Final[tuple[View, ...]] = (
    get("/", show_start),
    post("/organizations", add_organization),
    get("/organizations/{organization}", show_organization),
    post("/organizations/{organization}/projects", add_project),
    get("/organizations/{organization}/limits", show_limits),
    get(_ORGANIZATION, _of_organization(show_settings)),
    post(f"{_ORGANIZATION}/delete", _of_organization(delete)),
    post(f"{_ORGANIZATION}/keep", _of_organization(keep)),
    get(_PROJECT, _of_project(show_settings)),
    post(f"{_PROJECT}/delete", _of_project(delete)),
    post(f"{_PROJECT}/keep", _of_project(keep)),
)
