"""Create, find, change and delete releases; record deploys."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from scmhost.audit.queries import Details, record
from scmhost.commits.ingest import announce, read_limited
from scmhost.commits.payload import CommitList
from scmhost.infra.errors import InvalidInput
from scmhost.infra.paging import Page, PageRequest
from scmhost.organizations.create import project_ids
from scmhost.organizations.queries import Project
from scmhost.sdk import Organization
from scmhost.services import Services

from . import content_queries, queries
from .content import Content, RefDraft, fill_release, order_notes
from .show import ShownRelease, look_up, require_release, show
from .values import Deploy, DeployDraft, ReleaseDraft

_BAD_VERSION: Final = re.compile(r"[\r\n\f\t\x00/\\]")


@dataclass(frozen=True, slots=True)
class ReleaseRequest:
    """What a caller sends about a release. None leaves what is there; an empty list of refs clears the commits."""

    draft: ReleaseDraft
    projects: Sequence[str] = ()
    commits: Sequence[Mapping[str, Any]] | None = None
    refs: Sequence[RefDraft] | None = None


@dataclass(frozen=True, slots=True)
class SavedRelease:
    """What saving did."""

    created: bool
    attached: int
    notes: tuple[str, ...] = ()


def create_release(
    services: Services, organization: Organization, version: str, request: ReleaseRequest
) -> SavedRelease:
    """Create a release, or add projects and commits to the one that is there; all of it or nothing.

    Raises:
        InvalidInput: the version, a project, a commit or a ref is wrong.
    """
    check_version(services, version)
    listed = _read(services, request)
    with services.telemetry.act("ingest"), services.store.write() as tx:
        wanted = project_ids(tx, organization, request.projects)
        release, created = queries.upsert(tx, organization.id, version, request.draft, services.clock.now())
        attached = queries.attach_projects(tx, organization.id, release.id, wanted)
        every = {*wanted, *(project.id for project in release.projects)}
        filled = fill_release(tx, services, organization, release, Content(listed, request.refs or (), every))
    announce(services, organization, filled.done)
    return SavedRelease(created, attached, filled.notes)


def change_release(
    services: Services,
    organization: Organization,
    version: str,
    request: ReleaseRequest,
    project: Project | None = None,
) -> SavedRelease:
    """Change a release that is there. An empty list of refs takes its commits away; the commits themselves stay."""
    listed = _read(services, request)
    with services.telemetry.act("ingest"), services.store.write() as tx:
        release = require_release(tx, organization, version, project)
        queries.update(tx, organization.id, release.id, request.draft)
        if request.refs is not None and not request.refs:
            content_queries.clear_commits(tx, organization.id, release.id)
        own = [each.id for each in release.projects]
        filled = fill_release(tx, services, organization, release, Content(listed, request.refs or (), own))
    announce(services, organization, filled.done)
    return SavedRelease(created=False, attached=0, notes=filled.notes)


def get_release(
    services: Services, organization: Organization, version: str, project: Project | None = None
) -> ShownRelease:
    """One release, with what is to be said of commits that are still being fetched."""
    with services.store.read() as tx:
        release = require_release(tx, organization, version, project)
        found, notes = look_up(tx, organization, [release]), order_notes(tx, release)
    return show(services, organization, found)[0].noting(notes)


def list_releases(
    services: Services,
    organization: Organization,
    request: PageRequest,
    *,
    project_ids: Sequence[int] | None = None,
    query: str = "",
    status: str = "open",
) -> Page[ShownRelease]:
    """Releases, newest first."""
    with services.store.read() as tx:
        page = queries.page(tx, organization.id, request, project_ids=project_ids, query=query, status=status)
        found = look_up(tx, organization, page.items)
    return page.showing(show(services, organization, found))


def delete_release(
    services: Services, organization: Organization, version: str, project: Project | None = None
) -> None:
    """Delete a release; its commits stay. By a project of several, only that project's part in it."""
    with services.store.write() as tx:
        release = require_release(tx, organization, version, project)
        if project is not None and len(release.projects) > 1:
            queries.detach_project(tx, organization.id, release.id, project.id)
            details: Details = {"project": project.slug}
        else:
            queries.delete(tx, organization.id, release.id)
            details = {}
        record(tx, services, organization, "release.delete", (release.id, release.version), details)


def check_version(services: Services, version: str) -> None:
    """A release's name may stand in a path and in a file name."""
    name = version.strip()
    services.limits.check("version_length", len(version), "version")
    if not name or name in (".", "..") or name.lower() == "latest":
        raise InvalidInput(f"Release with name {version!r} is not allowed", "version")
    if _BAD_VERSION.search(version):
        raise InvalidInput("A release's name has no slashes, tabs or line ends.", "version")


def _read(services: Services, request: ReleaseRequest) -> CommitList | None:
    services.limits.check("refs_per_request", len(request.refs or ()), "refs")
    services.limits.check("ref_length", len(request.draft.ref or ""), "ref")
    return None if request.commits is None else read_limited(services, request.commits)


_BAD_ENVIRONMENT: Final = re.compile(r"[\x00-\x1f/]")


def create_deploy(
    services: Services, organization: Organization, version: str, draft: DeployDraft, projects: Sequence[str]
) -> tuple[Deploy, bool]:
    """Note a deploy of a release: of the named projects, else of all that have it. Told again, nothing changes.

    Raises:
        NotFound: there is no such release.
        InvalidInput: the environment or a project is wrong.
    """
    _check(services, draft)
    with services.store.write() as tx:
        release = require_release(tx, organization, version)
        own = [project.id for project in release.projects]
        ids = project_ids(tx, organization, projects) or own
        if not set(ids) <= set(own):
            raise InvalidInput(
                f"Release {version!r} is not of all of these projects; add them to it first.", "projects"
            )
        return queries.create_deploy(tx, organization.id, release.id, draft, ids, services.clock.now())


def list_deploys(services: Services, organization: Organization, version: str, request: PageRequest) -> Page[Deploy]:
    """The deploys of a release, the last one first."""
    with services.store.read() as tx:
        release = require_release(tx, organization, version)
        return queries.deploy_page(tx, organization.id, release.id, request)


def _check(services: Services, draft: DeployDraft) -> None:
    if not draft.environment.strip() or _BAD_ENVIRONMENT.search(draft.environment):
        raise InvalidInput("An environment has a name, without slashes and control characters.", "environment")
    services.limits.check("environment_length", len(draft.environment), "environment")
    services.limits.check("deploy_name_length", len(draft.name or ""), "name")
