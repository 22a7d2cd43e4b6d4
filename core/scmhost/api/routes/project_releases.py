"""Releases of one project: the paths that older clients use."""

from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Query, Response

from scmhost.api.commit_bodies import shown_commits
from scmhost.api.context import ActingServices, ForReleases, ProjectOfReleases, ServicesOf
from scmhost.api.pages import Wanted
from scmhost.api.release_bodies import (
    NewProjectRelease,
    ReleaseFields,
    created_release,
    found_release,
    saved_release,
    shown_release,
)
from scmhost.api.shapes import CommitOut, ReleaseOut
from scmhost.usecases.releases import change_release, delete_release, list_releases
from scmhost.usecases.show_commits import CommitFilter, commits_of_release

router: Final = APIRouter(prefix="/api/0/projects/{organization}/{project}/releases", tags=["releases"])


@router.get("/")
def list_all(
    services: ServicesOf,
    organization: ForReleases,
    project: ProjectOfReleases,
    page: Wanted,
    query: str = "",
    status: str = "open",
) -> Sequence[ReleaseOut]:
    """A project's releases, newest first; open ones, unless ``status`` says otherwise."""
    found = list_releases(
        services, organization, page.request, project_ids=[project.id], query=query, status=status or "open"
    )
    return page.answer(found, [shown_release(services, organization, item) for item in found.items])


@router.post("/", status_code=201, responses={208: {"model": ReleaseOut, "description": "It was there already."}})
def create(
    services: ActingServices,
    organization: ForReleases,
    project: ProjectOfReleases,
    new: NewProjectRelease,
    response: Response,
) -> ReleaseOut:
    """Create a release of the project, or add to the one that is there."""
    return created_release(services, organization, new, response, also=project)


@router.get("/{version}/")
def get_one(services: ServicesOf, organization: ForReleases, project: ProjectOfReleases, version: str) -> ReleaseOut:
    """One release of the project."""
    return found_release(services, organization, version, project)


@router.put("/{version}/")
def change(
    services: ActingServices,
    organization: ForReleases,
    project: ProjectOfReleases,
    version: str,
    fields: ReleaseFields,
) -> ReleaseOut:
    """Change a release of the project."""
    saved = change_release(services, organization, version, fields.request(), project)
    return saved_release(services, organization, version, saved)


@router.delete("/{version}/", status_code=204, response_class=Response)
def delete(services: ActingServices, organization: ForReleases, project: ProjectOfReleases, version: str) -> None:
    """Delete a release of the project; one of several projects stays with the others."""
    delete_release(services, organization, version, project)


@router.get("/{version}/commits/")
def list_commits(
    services: ServicesOf,
    organization: ForReleases,
    project: ProjectOfReleases,
    version: str,
    page: Wanted,
    repo_id: Annotated[int | None, Query(ge=0, lt=2**53)] = None,
    repo_name: str | None = None,
) -> Sequence[CommitOut]:
    """The commits of a release of the project, newest first: all, or those of a repository."""
    wanted = CommitFilter(project, repo_id, repo_name)
    found = commits_of_release(services, organization, version, page.request, wanted)
    return page.answer(found, shown_commits(services, organization, found.items))
