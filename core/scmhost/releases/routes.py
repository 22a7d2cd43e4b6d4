"""Routes of releases, for organizations and for projects, and of deploys; uploads are answered with 501."""

from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import JSONResponse

from scmhost.commits.schemas import CommitOut, CommitsRoute, shown_commits
from scmhost.infra.http import RequestedPage, problem
from scmhost.organizations.access import AuditedServices, ForReleases, ProjectOfReleases, ServicesDep, require_scope
from scmhost.organizations.create import ALL_PROJECTS, find_project
from scmhost.organizations.queries import Project
from scmhost.sdk import Organization
from scmhost.services import Services

from .manage import (
    SavedRelease,
    change_release,
    create_deploy,
    create_release,
    delete_release,
    get_release,
    list_deploys,
    list_releases,
)
from .schemas import (
    ChangedFileOut,
    DeployOut,
    NewDeploy,
    NewProjectRelease,
    NewRelease,
    ReleaseFields,
    ReleaseOut,
    changed_file_out,
    deploy_out,
    release_out,
)
from .show import CommitFilter, commits_of_release, files_of_release, previous_with_commits, release_views

_ALREADY_REPORTED: Final = 208
"""Sentry's status of a POST that changed nothing."""

Environments = Annotated[
    Sequence[str], Query(description="Only releases that were deployed to one of these environments.")
]

router: Final = APIRouter(
    prefix="/api/0/organizations/{organization}/releases", tags=["releases"], route_class=CommitsRoute
)


@router.get("/")
def releases_list(
    services: ServicesDep,
    organization: ForReleases,
    page: RequestedPage,
    project: Annotated[list[str] | None, Query()] = None,
    query: str = "",
    status: str = "open",
    environment: Environments = (),
) -> Sequence[ReleaseOut]:
    """Releases, newest first; open ones, unless ``status`` is given."""
    names = () if ALL_PROJECTS in (project or ()) else project or ()
    # Sentry's clients send -1 for all projects.
    ids = [find_project(services, organization, name).id for name in names] or None
    found = list_releases(
        services,
        organization,
        page.request,
        project_ids=ids,
        query=query,
        status=status or "open",
        environments=[name for name in environment if name],
    )
    return page.answer(found, [release_out(services, organization, item) for item in found.items])


@router.post(
    "/",
    status_code=201,
    response_model=ReleaseOut,
    responses={208: {"model": ReleaseOut, "description": "It existed already."}},
)
def releases_add(services: AuditedServices, organization: ForReleases, new: NewRelease) -> Response:
    """Create a release, or add to the existing one. The same request again changes nothing."""
    return _create(services, organization, new)


@router.get("/{version}/")
def releases_show(services: ServicesDep, organization: ForReleases, version: str) -> ReleaseOut:
    """One release."""
    return release_out(services, organization, get_release(services, organization, version))


@router.put("/{version}/")
def releases_change(
    services: AuditedServices, organization: ForReleases, version: str, fields: ReleaseFields
) -> ReleaseOut:
    """Change a release. A list of commits replaces that of its repository; with several projects it extends it."""
    saved = change_release(services, organization, version, fields.request())
    return _saved_release(services, organization, version, saved)


@router.delete("/{version}/", status_code=204, response_class=Response)
def releases_delete(services: AuditedServices, organization: ForReleases, version: str) -> None:
    """Delete a release. Its commits stay."""
    delete_release(services, organization, version)


@router.get("/{version}/commits/")
def release_commits_list(
    services: ServicesDep,
    organization: ForReleases,
    version: str,
    page: RequestedPage,
    repo_id: Annotated[int | None, Query(ge=0, lt=2**53)] = None,
    repo_name: str | None = None,
) -> Sequence[CommitOut]:
    """A release's commits, newest first; optionally of one repository."""
    only = CommitFilter(repository_id=repo_id, repository_name=repo_name)
    found = commits_of_release(services, organization, version, page.request, only)
    return page.answer(found, shown_commits(services, organization, found.items))


@router.get("/{version}/commitfiles/")
def release_files_list(
    services: ServicesDep, organization: ForReleases, version: str, page: RequestedPage
) -> Sequence[ChangedFileOut]:
    """The files that a release's commits changed, by path."""
    found = files_of_release(services, organization, version, page.request)
    return page.answer(found, [changed_file_out(organization, item) for item in found.items])


@router.get("/{version}/previous-with-commits/", response_model=ReleaseOut | dict[str, None])
def release_previous(
    services: ServicesDep, organization: ForReleases, version: str, repository: str | None = None
) -> ReleaseOut | dict[str, None]:
    """The previous release with a commit of the same repository, or an empty object.

    Where the checkout may be of several repositories, ``repository`` names the one.
    """
    found = previous_with_commits(services, organization, version, repository)
    # sentry-cli fails for 204; an empty object means that there is no such release.
    return release_out(services, organization, found) if found else {}


def _create(
    services: Services,
    organization: Organization,
    new: NewRelease | NewProjectRelease,
    project: Project | None = None,
) -> Response:
    """Create a release of the named projects and of the project in the path, if there is one."""
    # sentry-cli 3 sends a project with a numeric name as a number.
    names = [*map(str, new.projects or ()), *([project.slug] if project else [])]
    saved = create_release(services, organization, new.version, new.request(names))
    shown = _saved_release(services, organization, new.version, saved)
    status = 201 if saved.created or saved.attached else _ALREADY_REPORTED
    # FastAPI would check a release with hundreds of authors again, and encode it more slowly.
    return Response(shown.model_dump_json(), status, media_type="application/json")


def _saved_release(services: Services, organization: Organization, version: str, saved: SavedRelease) -> ReleaseOut:
    if saved.details:
        view = release_views(services, organization, saved.details)[0]
    else:
        # Without the project of the path: another request may have removed the release from it meanwhile.
        view = get_release(services, organization, version)
    return release_out(services, organization, view, saved.notes)


project_releases_router: Final = APIRouter(
    prefix="/api/0/projects/{organization}/{project}/releases", tags=["releases"], route_class=CommitsRoute
)


@project_releases_router.get("/")
def project_releases_list(
    services: ServicesDep,
    organization: ForReleases,
    project: ProjectOfReleases,
    page: RequestedPage,
    query: str = "",
    status: str = "open",
    environment: Environments = (),
) -> Sequence[ReleaseOut]:
    """A project's releases, newest first; open ones, unless ``status`` is given."""
    found = list_releases(
        services,
        organization,
        page.request,
        project_ids=[project.id],
        query=query,
        status=status or "open",
        environments=[name for name in environment if name],
    )
    return page.answer(found, [release_out(services, organization, item) for item in found.items])


@project_releases_router.post(
    "/",
    status_code=201,
    response_model=ReleaseOut,
    responses={208: {"model": ReleaseOut, "description": "It existed already."}},
)
def project_releases_add(
    services: AuditedServices,
    organization: ForReleases,
    project: ProjectOfReleases,
    new: NewProjectRelease,
) -> Response:
    """Create a release of the project, or add to the existing one."""
    return _create(services, organization, new, project)


@project_releases_router.get("/{version}/")
def project_releases_show(
    services: ServicesDep, organization: ForReleases, project: ProjectOfReleases, version: str
) -> ReleaseOut:
    """One release of the project."""
    return release_out(services, organization, get_release(services, organization, version, project))


@project_releases_router.put("/{version}/")
def project_releases_change(
    services: AuditedServices,
    organization: ForReleases,
    project: ProjectOfReleases,
    version: str,
    fields: ReleaseFields,
) -> ReleaseOut:
    """Change a release of the project."""
    saved = change_release(services, organization, version, fields.request(), project)
    return _saved_release(services, organization, version, saved)


@project_releases_router.delete("/{version}/", status_code=204, response_class=Response)
def project_releases_delete(
    services: AuditedServices, organization: ForReleases, project: ProjectOfReleases, version: str
) -> None:
    """Delete a release of the project; a release of several projects stays in the others."""
    delete_release(services, organization, version, project)


@project_releases_router.get("/{version}/commits/")
def project_release_commits_list(
    services: ServicesDep,
    organization: ForReleases,
    project: ProjectOfReleases,
    version: str,
    page: RequestedPage,
    repo_id: Annotated[int | None, Query(ge=0, lt=2**53)] = None,
    repo_name: str | None = None,
) -> Sequence[CommitOut]:
    """The commits of a release of the project, newest first; optionally of one repository."""
    only = CommitFilter(project, repo_id, repo_name)
    found = commits_of_release(services, organization, version, page.request, only)
    return page.answer(found, shown_commits(services, organization, found.items))


deploys_router: Final = APIRouter(
    prefix="/api/0/organizations/{organization}/releases/{version}/deploys", tags=["deploys"]
)


@deploys_router.get("/")
def deploys_list(
    services: ServicesDep, organization: ForReleases, version: str, page: RequestedPage
) -> Sequence[DeployOut]:
    """A release's deploys, newest first."""
    found = list_deploys(services, organization, version, page.request)
    return page.answer(found, [deploy_out(deploy) for deploy in found.items])


@deploys_router.post("/", status_code=201, responses={208: {"model": DeployOut, "description": "It existed already."}})
def deploys_add(
    services: ServicesDep, organization: ForReleases, version: str, new: NewDeploy, response: Response
) -> DeployOut:
    """Record a deploy. The same times and texts again are the same deploy."""
    projects = [str(name) for name in new.projects or ()]
    deploy, created = create_deploy(services, organization, version, new.draft(), projects)
    response.status_code = 201 if created else _ALREADY_REPORTED
    return deploy_out(deploy)


NOT_STORED: Final = (
    "scmhost links errors to source code, and stores no source maps and no debug files. Upload them to the server that "
    "processes the events of your application: run this one step with the SENTRY_URL and SENTRY_AUTH_TOKEN of that "
    "server. Releases, commits, deploys and code mappings belong here."
)
"""The answer to an upload. sentry-cli prints it as it is."""

_ORGANIZATION: Final = "/organizations/{organization}"
_PROJECT: Final = "/projects/{organization}/{project}"
# Clients ask for the options of an upload first. If there are none, older ones send the files to the release.
_UPLOADS: Final = (
    f"{_ORGANIZATION}/chunk-upload/",
    f"{_ORGANIZATION}/artifactbundle/assemble/",
    f"{_ORGANIZATION}/releases/{{version}}/assemble/",
    f"{_ORGANIZATION}/releases/{{version}}/files/",
    f"{_PROJECT}/releases/{{version}}/files/",
    f"{_PROJECT}/files/dsyms/",
    f"{_PROJECT}/files/difs/assemble/",
)


async def refuse_upload() -> JSONResponse:
    """Answer that files are not stored here, and where they belong."""
    return problem(501, NOT_STORED)


# Not in the OpenAPI document: it lists what the host does.
upload_router: Final = APIRouter(
    prefix="/api/0", include_in_schema=False, dependencies=[Depends(require_scope("releases"))]
)
for _path in _UPLOADS:
    upload_router.add_api_route(_path, refuse_upload, methods=["GET", "POST"])
