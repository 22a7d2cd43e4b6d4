"""Releases: the list, and one release with its commits, files, refs and deploys."""

from typing import Final

from starlette.responses import Response

from scmhost.infra.errors import NotFound
from scmhost.infra.paging import PageQuery
from scmhost.organizations.create import find_project
from scmhost.releases.manage import delete_release, get_release, list_deploys, list_releases
from scmhost.releases.show import CommitFilter, commits_of_release, files_of_release

from .rendering import segment
from .visit import Visit, get, post

_LISTED: Final = 50
_COMMITS: Final = 40
_FILES: Final = 100
_DEPLOYS: Final = 20


def show_releases(visit: Visit) -> Response:
    """A page of releases, the newest first; of one project, if the query names one."""
    name, problem = visit.query("project"), ""
    ids = None
    if name:
        try:
            ids = [find_project(visit.services, visit.organization, name).id]
        except NotFound as error:
            ids, problem = [], str(error)
    page = list_releases(
        visit.services,
        visit.organization,
        visit.page_query(_LISTED),
        project_ids=ids,
        query=visit.query("query"),
        status="open",
    )
    return visit.page_that_fits(
        "releases.html",
        (_LISTED, 20, 5),
        page=page,
        query=visit.query("query"),
        project=name,
        problem=problem,
        path=_path,
    )


def show_release(visit: Visit) -> Response:
    """One release: refs with their comparisons, deploys and commits."""
    version = visit.path("version")
    services, organization = visit.services, visit.organization
    view = get_release(services, organization, version)
    return visit.page_that_fits(
        "release.html",
        (_COMMITS, 10, 3),
        view=view,
        path=_path(visit, version),
        commits=commits_of_release(services, organization, version, visit.page_query(_COMMITS), CommitFilter()),
        deploys=list_deploys(services, organization, version, PageQuery(size=_DEPLOYS)),
    )


def show_files(visit: Visit) -> Response:
    """The files that the commits of a release changed."""
    version = visit.path("version")
    files = files_of_release(visit.services, visit.organization, version, visit.page_query(_FILES))
    return visit.page_that_fits(
        "release_files.html", (_FILES, 40, 10), version=version, path=_path(visit, version), files=files
    )


def remove_release(visit: Visit) -> Response:
    """Delete a release. Its commits stay."""
    organization = visit.require_admin()
    delete_release(visit.acting, organization, visit.path("version"))
    return visit.redirect(f"{visit.organization_path}/releases", "The release is deleted. Its commits stay.")


def _path(visit: Visit, version: str) -> str:
    return f"{visit.organization_path}/releases/{segment(version)}"


VIEWS: Final = (
    get("/organizations/{organization}/releases", show_releases),
    get("/organizations/{organization}/releases/{version}", show_release),
    get("/organizations/{organization}/releases/{version}/files", show_files),
    post("/organizations/{organization}/releases/{version}/delete", remove_release),
)
