"""Settings of an organization and of a project: what they are, and their deletion."""

from collections.abc import Callable
from typing import Final

from starlette.responses import Response

from scmhost.admin import removal
from scmhost.infra.errors import InvalidInput
from scmhost.organizations.queries import Project

from .visit import View, Visit, get, post


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
    get(_ORGANIZATION, _of_organization(show_settings)),
    post(f"{_ORGANIZATION}/delete", _of_organization(delete)),
    post(f"{_ORGANIZATION}/keep", _of_organization(keep)),
    get(_PROJECT, _of_project(show_settings)),
    post(f"{_PROJECT}/delete", _of_project(delete)),
    post(f"{_PROJECT}/keep", _of_project(keep)),
)
