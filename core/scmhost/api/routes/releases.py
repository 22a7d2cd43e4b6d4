"""Releases: a version of one or more projects' code, with its commits and refs."""

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, BaseModel, Field

from scmhost.api.context import ForReleases, ServicesOf
from scmhost.api.pages import Wanted
from scmhost.api.routes.commits import shown_commits
from scmhost.api.shapes import AuthorOut, CommitOut, ReleaseOut, ReleaseProject
from scmhost.sdk import Organization
from scmhost.usecases.create_organization import find_project
from scmhost.usecases.releases import (
    RefDraft,
    ReleaseRequest,
    ShownRelease,
    change_release,
    create_release,
    delete_release,
    get_release,
    list_releases,
)
from scmhost.usecases.services import Services
from scmhost.usecases.show_commits import commits_of_release
from scmhost.usecases.values import ReleaseDraft

router: Final = APIRouter(prefix="/api/0/organizations/{organization}/releases", tags=["releases"])

Ref = Annotated[str, Field(max_length=200)]


class RefIn(BaseModel):
    """A repository at a commit, or over a range ``a..b``."""

    repository: Annotated[str, Field(min_length=1, max_length=200)]
    commit: Annotated[str, Field(min_length=1, max_length=130)]
    previousCommit: Annotated[str, Field(max_length=64)] | None = None  # noqa: N815 - the wire's spelling


class ReleaseFields(BaseModel):
    """What may be said of a release."""

    ref: Ref | None = None
    url: Annotated[str, Field(max_length=2_000)] | None = None
    dateReleased: AwareDatetime | None = None  # noqa: N815 - the wire's spelling
    dateStarted: AwareDatetime | None = None  # noqa: N815 - the wire's spelling
    status: Literal["open", "archived"] | None = None
    commits: list[dict[str, Any]] | None = None
    refs: list[RefIn] | None = None

    def request(self, projects: Sequence[str] = ()) -> ReleaseRequest:
        """The use case's request."""
        refs = None
        if self.refs is not None:
            refs = [RefDraft(ref.repository, ref.commit, ref.previousCommit) for ref in self.refs]
        draft = ReleaseDraft(
            ref=self.ref,
            url=self.url,
            released_at=self.dateReleased,
            started_at=self.dateStarted,
            status=self.status,
        )
        return ReleaseRequest(draft, projects, self.commits, refs)


class NewRelease(ReleaseFields):
    """A release to create, or one to add projects and commits to."""

    version: str
    projects: list[str | int]


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
    ids = [find_project(services, organization, name).id for name in project or ()] or None
    found = list_releases(services, organization, page.request, project_ids=ids, query=query, status=status or "open")
    return page.answer(found, [_shown(services, organization, item) for item in found.items])


@router.post("/", status_code=201, responses={208: {"model": ReleaseOut, "description": "It was there already."}})
def create(services: ServicesOf, organization: ForReleases, new: NewRelease, response: Response) -> ReleaseOut:
    """Create a release, or add to the one that is there. The same request again is harmless."""
    saved = create_release(services, organization, new.version, new.request([str(name) for name in new.projects]))
    response.status_code = 201 if saved.created or saved.attached else 208
    return _whole(services, organization, new.version, saved.notes)


@router.get("/{version}/")
def get_one(services: ServicesOf, organization: ForReleases, version: str) -> ReleaseOut:
    """One release."""
    return _whole(services, organization, version)


@router.put("/{version}/")
def change(services: ServicesOf, organization: ForReleases, version: str, fields: ReleaseFields) -> ReleaseOut:
    """Change a release; a new list of commits replaces the list of the repositories that it names."""
    saved = change_release(services, organization, version, fields.request())
    return _whole(services, organization, version, saved.notes)


@router.delete("/{version}/", status_code=204)
def delete(services: ServicesOf, organization: ForReleases, version: str) -> None:
    """Delete a release. Its commits stay."""
    delete_release(services, organization, version)


@router.get("/{version}/commits/")
def list_commits(
    services: ServicesOf,
    organization: ForReleases,
    version: str,
    page: Wanted,
) -> Sequence[CommitOut]:
    """A release's commits, newest first."""
    found = commits_of_release(services, organization, version, page.request)
    return page.answer(found, shown_commits(services, organization, found.items))


def _whole(services: Services, organization: Organization, version: str, notes: Sequence[str] = ()) -> ReleaseOut:
    return _shown(services, organization, get_release(services, organization, version), notes)


def _shown(
    services: Services, organization: Organization, shown: ShownRelease, notes: Sequence[str] = ()
) -> ReleaseOut:
    release = shown.release
    return ReleaseOut(
        id=release.id,
        version=release.version,
        short_version=release.version,
        status=release.status,
        ref=release.ref,
        url=release.url,
        owner=release.owner,
        date_released=release.released_at,
        date_created=release.created_at,
        date_started=release.started_at,
        commit_count=release.commit_count,
        last_commit=shown_commits(services, organization, [shown.last_commit])[0] if shown.last_commit else None,
        authors=[AuthorOut(name=author.name, email=author.email) for author in shown.authors],
        projects=[
            ReleaseProject(id=project.id, slug=project.slug, name=project.name, platform=project.platform)
            for project in release.projects
        ],
        notes=list(notes),
    )
