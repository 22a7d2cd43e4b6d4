"""Releases: a version of one or more projects' code, with its commits and refs."""

from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Query, Response

from scmhost.api.commit_bodies import shown_commits, shown_file
from scmhost.api.context import ActingServices, ForReleases, ServicesOf
from scmhost.api.pages import Wanted
from scmhost.api.release_bodies import (
    NewRelease,
    ReleaseFields,
    created_release,
    found_release,
    saved_release,
    shown_release,
)
from scmhost.api.shapes import ChangedFileOut, CommitOut, ReleaseOut
from scmhost.usecases.create_organization import ALL_PROJECTS, find_project
from scmhost.usecases.previous_release import previous_with_commits
from scmhost.usecases.releases import change_release, delete_release, list_releases
from scmhost.usecases.show_commits import CommitFilter, commits_of_release, files_of_release

router: Final = APIRouter(prefix="/api/0/organizations/{organization}/releases", tags=["releases"])


@router.get("/")
def list_all(
    services: ServicesOf,
    organization: ForReleases,
    page: Wanted,
    project: Annotated[list[str] | None, Query()] = None,
    query: str = "",
    status: str = "open",
) -> Sequence[ReleaseOut]:
    """Releases, newest first; open ones, unless ``status`` says otherwise."""
    names = () if ALL_PROJECTS in (project or ()) else project or ()
    ids = [find_project(services, organization, name).id for name in names] or None
    found = list_releases(services, organization, page.request, project_ids=ids, query=query, status=status or "open")
    return page.answer(found, [shown_release(services, organization, item) for item in found.items])


@router.post("/", status_code=201, responses={208: {"model": ReleaseOut, "description": "It was there already."}})
def create(services: ActingServices, organization: ForReleases, new: NewRelease, response: Response) -> ReleaseOut:
    """Create a release, or add to the one that is there. The same request again is harmless."""
    return created_release(services, organization, new, response)


@router.get("/{version}/")
def get_one(services: ServicesOf, organization: ForReleases, version: str) -> ReleaseOut:
    """One release."""
    return found_release(services, organization, version)


@router.put("/{version}/")
def change(services: ActingServices, organization: ForReleases, version: str, fields: ReleaseFields) -> ReleaseOut:
    """Change a release; a new list of commits replaces the list of the repositories that it names."""
    saved = change_release(services, organization, version, fields.request())
    return saved_release(services, organization, version, saved)


@router.delete("/{version}/", status_code=204, response_class=Response)
def delete(services: ActingServices, organization: ForReleases, version: str) -> None:
    """Delete a release. Its commits stay."""
    delete_release(services, organization, version)


@router.get("/{version}/commits/")
def list_commits(
    services: ServicesOf,
    organization: ForReleases,
    version: str,
    page: Wanted,
    repo_id: Annotated[int | None, Query(ge=0, lt=2**53)] = None,
    repo_name: str | None = None,
) -> Sequence[CommitOut]:
    """A release's commits, newest first: all, or those of a repository."""
    wanted = CommitFilter(repository_id=repo_id, repository_name=repo_name)
    found = commits_of_release(services, organization, version, page.request, wanted)
    return page.answer(found, shown_commits(services, organization, found.items))


@router.get("/{version}/commitfiles/")
def list_files(services: ServicesOf, organization: ForReleases, version: str, page: Wanted) -> Sequence[ChangedFileOut]:
    """The files that a release's commits changed, by path."""
    found = files_of_release(services, organization, version, page.request)
    return page.answer(found, [shown_file(organization, item) for item in found.items])


@router.get("/{version}/previous-with-commits/", response_model=ReleaseOut | dict[str, None])
def previous(
    services: ServicesOf, organization: ForReleases, version: str, repository: str | None = None
) -> ReleaseOut | dict[str, None]:
    """The release before this one with the commit that a checkout of the same repository has; else an empty object.

    Where the checkout may be of several repositories, ``repository`` names the one.
    """
    found = previous_with_commits(services, organization, version, repository)
    return shown_release(services, organization, found) if found else {}
