"""Wire shapes of releases."""

from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import Response
from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, JsonValue

from scmhost.commits.schemas import CommitIn, CommitOut, author_of, shown_commits
from scmhost.infra.clock import in_utc
from scmhost.infra.http import Moment, Wire
from scmhost.organizations.queries import Project
from scmhost.sdk import Organization
from scmhost.services import Services

from .content import RefDraft
from .manage import ReleaseRequest, SavedRelease, create_release, get_release
from .show import ShownFile, ShownRef, ShownRelease
from .values import Deploy, ReleaseDraft


class ChangedFileOut(Wire):
    id: str = Field(description="The sha and the path.")
    org_id: int
    author: dict[str, str | None] = Field(description="Name and e-mail; empty when there is none.")
    commit_message: str | None
    filename: str
    type: str
    repo_name: str


def shown_file(organization: Organization, shown: ShownFile) -> ChangedFileOut:
    """A file that a commit of a release changed."""
    commit = shown.commit
    return ChangedFileOut(
        id=f"{commit.sha}:{shown.change.path}",
        org_id=organization.id,
        author=author_of(commit),
        commit_message=commit.message,
        filename=shown.change.path,
        type=shown.change.type,
        repo_name=shown.repository.name,
    )


class AuthorOut(Wire):
    name: str | None = None
    email: str | None = None


class DeployOut(Wire):
    id: str
    environment: str
    name: str | None
    url: str | None
    date_started: Moment | None
    date_finished: Moment


class ReleaseProject(Wire):
    id: int
    slug: str
    name: str
    new_groups: int = 0
    platform: str | None = None
    platforms: list[str] = Field(default_factory=list)
    has_health_data: bool = False


class RefOut(Wire):
    repository: str
    commit: str
    previous_commit: str | None
    compare_url: str | None = Field(default=None, description="The page of what lies between the two commits.")


class ReleaseOut(Wire):
    id: int
    version: str
    short_version: str
    status: str
    version_info: None = None
    ref: str | None
    url: str | None
    owner: str | None = None
    date_released: Moment | None
    date_created: Moment
    date_started: Moment | None
    data: dict[str, JsonValue] = Field(default_factory=dict)
    new_groups: int = 0
    commit_count: int
    last_commit: CommitOut | None
    deploy_count: int = 0
    last_deploy: DeployOut | None = None
    authors: list[AuthorOut] = Field(default_factory=list)
    projects: list[ReleaseProject]
    refs: list[RefOut] = Field(description="Where the release stands in each of its repositories; links lead there.")
    first_event: None = None
    last_event: None = None
    current_project_meta: dict[str, JsonValue] = Field(default_factory=dict)
    user_agent: None = None
    adoption_stages: dict[str, JsonValue] = Field(default_factory=dict)
    notes: list[str] = Field(default_factory=list, description="What was kept otherwise than it was sent.")


SAID_BEFORE = 208


MomentIn = Annotated[AwareDatetime, AfterValidator(in_utc)]
"""A time that is sent, with an offset."""


class RefIn(BaseModel):
    """A repository at a commit, or over a range ``a..b``."""

    repository: Annotated[str, Field(min_length=1)]
    commit: Annotated[str, Field(min_length=1)]
    previousCommit: str | None = None  # noqa: N815 - the wire's spelling

    def draft(self) -> RefDraft:
        """The ref to set."""
        return RefDraft(self.repository, self.commit, self.previousCommit)


class HeadCommitIn(BaseModel):
    """A ref in the form of older clients."""

    repository: Annotated[str, Field(min_length=1)]
    currentId: Annotated[str, Field(min_length=1)]  # noqa: N815 - the wire's spelling
    previousId: str | None = None  # noqa: N815 - the wire's spelling

    def draft(self) -> RefDraft:
        """The ref to set."""
        return RefDraft(self.repository, self.currentId, self.previousId)


class ReleaseFields(BaseModel):
    """What may be said of a release."""

    ref: str | None = None
    url: Annotated[str, Field(max_length=2_000)] | None = None
    dateReleased: MomentIn | None = None  # noqa: N815 - the wire's spelling
    dateStarted: MomentIn | None = None  # noqa: N815 - the wire's spelling
    status: Literal["open", "archived"] | None = None
    commits: list[CommitIn] | None = None
    refs: list[RefIn] | None = None
    headCommits: list[HeadCommitIn] | None = None  # noqa: N815 - the wire's spelling

    def request(self, projects: Sequence[str] = ()) -> ReleaseRequest:
        """The use case's request."""
        draft = ReleaseDraft(
            ref=self.ref,
            url=self.url,
            released_at=self.dateReleased,
            started_at=self.dateStarted,
            status=self.status,
        )
        return ReleaseRequest(draft, projects, self.commits, self._refs())

    def _refs(self) -> list[RefDraft] | None:
        if not self.refs and self.headCommits:
            return [head.draft() for head in self.headCommits]
        return None if self.refs is None else [ref.draft() for ref in self.refs]


class NewRelease(ReleaseFields):
    """A release to create, or one to add projects and commits to."""

    version: str
    projects: list[str | int]


class NewProjectRelease(ReleaseFields):
    """A release to create for the project in the path, and for others if they are named."""

    version: str
    projects: list[str | int] | None = None


def created_release(
    services: Services,
    organization: Organization,
    new: NewRelease | NewProjectRelease,
    response: Response,
    also: Project | None = None,
) -> ReleaseOut:
    """Create a release of the named projects, and of one more; 208 where nothing was new."""
    names = [*map(str, new.projects or ()), *([also.slug] if also else [])]
    saved = create_release(services, organization, new.version, new.request(names))
    response.status_code = 201 if saved.created or saved.attached else SAID_BEFORE
    return saved_release(services, organization, new.version, saved)


def saved_release(services: Services, organization: Organization, version: str, saved: SavedRelease) -> ReleaseOut:
    """A release that was just saved, with what its sender is told."""
    return shown_release(services, organization, get_release(services, organization, version), saved.notes)


def found_release(
    services: Services, organization: Organization, version: str, project: Project | None = None
) -> ReleaseOut:
    """A release by its version."""
    return shown_release(services, organization, get_release(services, organization, version, project))


def shown_release(
    services: Services, organization: Organization, shown: ShownRelease, notes: Sequence[str] = ()
) -> ReleaseOut:
    """A release on the wire."""
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
        deploy_count=shown.deploys.count if shown.deploys else 0,
        last_deploy=shown_deploy(shown.deploys.last) if shown.deploys else None,
        authors=[AuthorOut(name=author.name, email=author.email) for author in shown.authors],
        projects=[
            ReleaseProject(id=project.id, slug=project.slug, name=project.name, platform=project.platform)
            for project in release.projects
        ],
        refs=[shown_ref(ref) for ref in shown.refs],
        notes=list(dict.fromkeys([*notes, *shown.notes])),
    )


def shown_ref(ref: ShownRef) -> RefOut:
    """Where a release stands in a repository, on the wire."""
    return RefOut(
        repository=ref.repository.name,
        commit=ref.head.sha,
        previous_commit=ref.head.previous_sha,
        compare_url=ref.compare_url,
    )


def shown_deploy(deploy: Deploy) -> DeployOut:
    """A deploy on the wire."""
    return DeployOut(
        id=str(deploy.id),
        environment=deploy.environment,
        name=deploy.name,
        url=deploy.url,
        date_started=deploy.started_at,
        date_finished=deploy.finished_at,
    )
