"""Wire shapes of releases."""

from collections.abc import Sequence
from typing import Annotated, Final, Literal

import structlog
from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, JsonValue, TypeAdapter

from scmhost.commits.schemas import CommitOut, SentCommits, author_of, shown_commits
from scmhost.infra.clock import in_utc
from scmhost.infra.http import Moment, Wire
from scmhost.sdk import Organization
from scmhost.sdk.provider import RepositoryPayload, default_payload
from scmhost.services import Services

from .manage import RefDraft, ReleaseRequest
from .show import ChangedFileView, RefView, ReleaseView
from .values import Deploy, DeployDraft, ReleaseDraft

log = structlog.get_logger(__name__)


class ChangedFileOut(Wire):
    id: str = Field(description="The sha and the path.")
    org_id: int
    author: dict[str, str | None] = Field(description="Name and e-mail; empty when there is none.")
    commit_message: str | None
    filename: str
    type: str
    repo_name: str


class AuthorOut(Wire):
    name: str | None = None
    email: str | None = None


_AUTHORS: Final = TypeAdapter(list[AuthorOut])


class DeployOut(Wire):
    id: str
    environment: str
    name: str | None
    url: str | None
    date_started: Moment | None
    # Never null: `sentry-cli deploys list` crashes for a deploy without an end.
    date_finished: Moment


class LastDeployOut(DeployOut):
    # Sentry's schema has a text here, and null in the list of deploys.
    name: str


class ReleaseProject(Wire):
    id: int
    slug: str
    name: str
    # Fields about errors, which this host does not store; clients expect them.
    new_groups: int = 0
    platform: str | None = None
    platforms: list[str] = Field(default_factory=list)
    has_health_data: bool = False


class RefOut(Wire):
    repository: str
    commit: str
    previous_commit: str | None
    compare_url: str | None = Field(default=None, description="The page with the changes between the two commits.")


class ReleaseOut(Wire):
    id: int
    version: str
    short_version: str
    status: str
    # Sentry parses semantic versions here; null is one of its own values.
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
    last_deploy: LastDeployOut | None = None
    authors: list[AuthorOut] = Field(default_factory=list)
    projects: list[ReleaseProject]
    # Not on Sentry: without it, a client could not see which commit the links of a release lead to.
    refs: list[RefOut] = Field(description="The commit of the release in each of its repositories; links lead to it.")
    first_event: None = None
    last_event: None = None
    current_project_meta: dict[str, JsonValue] = Field(default_factory=dict)
    user_agent: None = None
    adoption_stages: dict[str, JsonValue] = Field(default_factory=dict)
    notes: list[str] = Field(
        default_factory=list,
        description="Differences between what was sent and what was saved, and fetches that are not complete.",
    )


MomentIn = Annotated[AwareDatetime, AfterValidator(in_utc)]
"""A time with an offset; it is stored in UTC."""


class RefIn(BaseModel):
    """A repository at a commit, or over a range ``a..b``."""

    repository: Annotated[str, Field(min_length=1)]
    commit: Annotated[str, Field(min_length=1)]
    previousCommit: str | None = None  # noqa: N815 - the wire's spelling

    def draft(self) -> RefDraft:
        """Return the ref to set."""
        return RefDraft(self.repository, self.commit, self.previousCommit)


class HeadCommitIn(BaseModel):
    """A ref in the form of older clients."""

    repository: Annotated[str, Field(min_length=1)]
    currentId: Annotated[str, Field(min_length=1)]  # noqa: N815 - the wire's spelling
    previousId: str | None = None  # noqa: N815 - the wire's spelling

    def draft(self) -> RefDraft:
        """Return the ref to set."""
        return RefDraft(self.repository, self.currentId, self.previousId)


class ReleaseFields(BaseModel):
    """The fields of a release that may be sent. An absent field keeps its value."""

    ref: str | None = None
    url: Annotated[str, Field(max_length=2_000)] | None = None
    dateReleased: MomentIn | None = None  # noqa: N815 - the wire's spelling
    dateStarted: MomentIn | None = None  # noqa: N815 - the wire's spelling
    status: Literal["open", "archived"] | None = None
    commits: SentCommits | None = None
    refs: list[RefIn] | None = None
    headCommits: list[HeadCommitIn] | None = None  # noqa: N815 - the wire's spelling

    def request(self, projects: Sequence[str] = ()) -> ReleaseRequest:
        """Return the request to the use case, for the named projects."""
        draft = ReleaseDraft(
            ref=self.ref,
            url=self.url,
            released_at=self.dateReleased,
            started_at=self.dateStarted,
            status=self.status,
        )
        return ReleaseRequest(draft, projects, self.commits, self._refs())

    def _refs(self) -> list[RefDraft] | None:
        # As on Sentry, the older field counts only without refs.
        if not self.refs and self.headCommits:
            return [head.draft() for head in self.headCommits]
        return None if self.refs is None else [ref.draft() for ref in self.refs]


class NewRelease(ReleaseFields):
    """A release to create, or one to add projects and commits to."""

    version: str
    # May be empty: sentry-cli archives and restores releases without naming projects.
    projects: list[str | int]


class NewProjectRelease(ReleaseFields):
    """A release to create for the project in the path, and for others if they are named."""

    version: str
    projects: list[str | int] | None = None


class NewDeploy(BaseModel):
    """A deploy to record: for all projects of the release unless some are named; it ends now unless an end is sent."""

    environment: str
    name: str | None = None
    url: Annotated[str, Field(max_length=2_000)] | None = None
    dateStarted: MomentIn | None = None  # noqa: N815 - the wire's spelling
    dateFinished: MomentIn | None = None  # noqa: N815 - the wire's spelling
    projects: list[str | int] | None = None

    def draft(self) -> DeployDraft:
        """Return the deploy to save."""
        return DeployDraft(self.environment, self.name or None, self.url or None, self.dateStarted, self.dateFinished)


def release_out(
    services: Services, organization: Organization, view: ReleaseView, notes: Sequence[str] = ()
) -> ReleaseOut:
    """Return a release on the wire.

    A plugin may return a value that JSON cannot express, such as half of a surrogate pair. Then the release is shown
    without what plugins add to it, because otherwise the whole list would fail.
    """
    out = _release_out(services, organization, view, notes)
    try:
        # Authors are stored text; a release may have hundreds.
        out.model_dump_json(exclude={"authors"})
    except (ValueError, RecursionError) as error:
        plugins = ", ".join(_plugins_of(services, view))
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        log.warning("release not shaped", plugin=plugins, release=view.release.version, error=reason)
        return _without_plugin_parts(services, view, out, f"A provider's plugin failed ({plugins}): {reason}")
    return out


def _plugins_of(services: Services, view: ReleaseView) -> list[str]:
    """Return the names of the plugins that add to a release."""
    repositories = [ref.repository for ref in view.refs] + ([view.last_commit.repository] if view.last_commit else [])
    providers = {repository.provider for repository in repositories if repository.provider}
    return sorted({calls.plugin for calls in map(services.plugins.calls, providers) if calls})


def _release_out(services: Services, organization: Organization, view: ReleaseView, notes: Sequence[str]) -> ReleaseOut:
    release = view.release
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
        last_commit=shown_commits(services, organization, [view.last_commit])[0] if view.last_commit else None,
        deploy_count=view.deploys.count if view.deploys else 0,
        last_deploy=_last_deploy(view.deploys.last) if view.deploys else None,
        # Checked all at once: a release may have hundreds.
        authors=_AUTHORS.validate_python([{"name": author.name, "email": author.email} for author in view.authors]),
        projects=[
            ReleaseProject(id=project.id, slug=project.slug, name=project.name, platform=project.platform)
            for project in release.projects
        ],
        refs=[_ref_out(ref) for ref in view.refs],
        notes=list(dict.fromkeys([*notes, *view.notes])),
    )


def _without_plugin_parts(services: Services, view: ReleaseView, out: ReleaseOut, idle: str) -> ReleaseOut:
    """Return a release without pages, and with the host's own payload of the last commit's repository."""
    refs = [ref.model_copy(update={"compare_url": None}) for ref in out.refs]
    if view.last_commit is None or out.last_commit is None:
        return out.model_copy(update={"refs": refs})
    repository = view.last_commit.repository
    # Not serialize_repository(), which would call the plugin that has just failed.
    key = repository.provider
    provider: JsonValue = {
        "id": f"integrations:{key}" if key else "unknown",
        "name": services.plugins.provider_name(key) if key else "Unknown Provider",
    }
    payload = RepositoryPayload.model_validate(default_payload(repository, provider, idle))
    last_commit = out.last_commit.model_copy(update={"url": None, "repository": payload})
    return out.model_copy(update={"refs": refs, "last_commit": last_commit})


def _ref_out(ref: RefView) -> RefOut:
    return RefOut(
        repository=ref.repository.name,
        commit=ref.head.sha,
        previous_commit=ref.head.previous_sha,
        compare_url=ref.compare_url,
    )


def _last_deploy(deploy: Deploy) -> LastDeployOut:
    return LastDeployOut(**dict(deploy_out(deploy)) | {"name": deploy.name or ""})


def deploy_out(deploy: Deploy) -> DeployOut:
    """Return a deploy on the wire."""
    return DeployOut(
        id=str(deploy.id),
        environment=deploy.environment,
        name=deploy.name,
        url=deploy.url,
        date_started=deploy.started_at,
        date_finished=deploy.finished_at,
    )


def changed_file_out(organization: Organization, view: ChangedFileView) -> ChangedFileOut:
    """Return a changed file on the wire."""
    commit = view.commit
    return ChangedFileOut(
        id=f"{commit.sha}:{view.change.path}",
        org_id=organization.id,
        author=author_of(commit),
        commit_message=commit.message,
        filename=view.change.path,
        type=view.change.type,
        repo_name=view.repository.name,
    )
