"""Create, find, change and delete releases with their commits and refs; record deploys."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Unpack

from scmhost.audit.queries import Details, record
from scmhost.commits import bulk_queries
from scmhost.commits import queries as commit_queries
from scmhost.commits.fields import read_range
from scmhost.commits.find_repository import find_repositories_named
from scmhost.commits.ingest import IngestedCommits, read_limited, report_saved_commits, repository_notes, save_commits
from scmhost.commits.payload import CommitList
from scmhost.infra.db.engine import Transaction
from scmhost.infra.errors import InvalidInput
from scmhost.infra.paging import Page, PageQuery
from scmhost.organizations import queries as organization_queries
from scmhost.organizations.queries import Project
from scmhost.organizations.quotas import take_rows
from scmhost.sdk import Organization, Repository, looks_like_commit
from scmhost.services import Services

from . import content_queries, queries
from .fetch import fetch_notes, request_fetches
from .show import ReleaseDetails, ReleaseView, details_of_new, load_details, release_views, require_release
from .values import Deploy, DeployDraft, Head, Release, ReleaseDraft

# A version is part of a URL's path and of file names.
_BAD_VERSION: Final = re.compile(r"[\r\n\f\t\x00/\\]")
# As on Sentry, an environment has no slashes.
_BAD_ENVIRONMENT: Final = re.compile(r"[\x00-\x1f/]")


@dataclass(frozen=True, slots=True)
class RefDraft:
    """A repository at a commit, or over a range ``a..b``, as clients send it."""

    repository: str
    commit: str
    previous: str | None = None


@dataclass(frozen=True, slots=True)
class ReleaseRequest:
    """The body of a request. None keeps what is stored; an empty list of refs removes commits and refs."""

    draft: ReleaseDraft
    projects: Sequence[str] = ()
    commits: Sequence[Mapping[str, Any]] | None = None
    refs: Sequence[RefDraft] | None = None


@dataclass(frozen=True, slots=True)
class SavedRelease:
    """The result of a request.

    Attributes:
        created: whether it created the release.
        attached: to how many projects it added the release.
        notes: notes for the sender.
        details: the release as it was written with its related rows; None if they have to be read.
    """

    created: bool
    attached: int
    notes: tuple[str, ...] = ()
    details: ReleaseDetails | None = None


def create_release(
    services: Services, organization: Organization, version: str, request: ReleaseRequest
) -> SavedRelease:
    """Create a release, or add projects, commits and refs to an existing one, in one transaction.

    Raises:
        InvalidInput: the version, a project, a commit or a ref is invalid.
    """
    _check_version(services, version)
    projects = _distinct_projects(services, request.projects)
    # Before the transaction: SQLite has one writer at a time, and checking ten thousand commits takes a while.
    commits, refs = _read_request(services, request)
    with services.telemetry.operation("ingest"), services.store.write() as tx:
        found = find_projects(tx, organization, projects)
        # An upsert and not a read before it: builds of several projects create the same release at once.
        release, created = queries.upsert(tx, organization.id, version, request.draft, services.clock.now())
        take_rows(tx, services, organization, {"releases": int(created)})
        attached = queries.attach_projects(tx, organization.id, release.id, [project.id for project in found])
        # Also the projects of earlier requests: their builds have sent lists of their own.
        by_slug = {project.slug: project for project in (*release.projects, *found)}
        release = replace(release, projects=tuple(by_slug[slug] for slug in sorted(by_slug)))
        ingested, notes = _ingest(tx, services, organization, release, commits)
        written = _fill_new(tx, release, ingested) if created else None
        if written is None:
            _save_lists(tx, release, ingested)
        notes += _save_refs(tx, services, organization, release, refs, ingested)
        details = details_of_new(tx, organization, written, ingested) if written and not refs else None
    report_saved_commits(services, organization, ingested)
    return SavedRelease(created, attached, tuple(notes), details)


def change_release(
    services: Services,
    organization: Organization,
    version: str,
    request: ReleaseRequest,
    project: Project | None = None,
) -> SavedRelease:
    """Change an existing release, of a project if one is given, in one transaction.

    Raises:
        NotFound: there is no such release.
        InvalidInput: a commit or a ref is invalid.
    """
    commits, refs = _read_request(services, request)
    with services.telemetry.operation("ingest"), services.store.write() as tx:
        release = require_release(tx, organization, version, project)
        queries.update(tx, organization.id, release.id, request.draft)
        # `sentry-cli releases set-commits --clear` sends an empty list. An absent one changes nothing.
        if request.refs is not None and not request.refs:
            content_queries.clear_commits(tx, organization.id, release.id)
        ingested, notes = _ingest(tx, services, organization, release, commits)
        _save_lists(tx, release, ingested)
        notes += _save_refs(tx, services, organization, release, refs, ingested)
    report_saved_commits(services, organization, ingested)
    return SavedRelease(created=False, attached=0, notes=tuple(notes))


def get_release(
    services: Services,
    organization: Organization,
    version: str,
    project: Project | None = None,
) -> ReleaseView:
    """Return one release, with notes about commits that are being fetched."""
    with services.store.read() as tx:
        release = require_release(tx, organization, version, project)
        details = load_details(tx, organization, [release])
        notes = fetch_notes(tx, release, [ref.head for ref in details.refs.get(release.id, ())])
    return release_views(services, organization, details)[0].with_notes(notes)


def list_releases(
    services: Services, organization: Organization, request: PageQuery, **only: Unpack[queries.ReleaseFilters]
) -> Page[ReleaseView]:
    """Return releases, newest first."""
    with services.store.read() as tx:
        page = queries.page(tx, organization.id, request, **only)
        details = load_details(tx, organization, page.items)
    return page.showing(release_views(services, organization, details))


def delete_release(
    services: Services, organization: Organization, version: str, project: Project | None = None
) -> None:
    """Delete a release; its commits stay. If a project is given and not the only one, only remove it from the project.

    Raises:
        NotFound: there is no such release.
    """
    with services.store.write() as tx:
        release = require_release(tx, organization, version, project)
        # The other projects still need the release.
        if project is not None and len(release.projects) > 1:
            queries.detach_project(tx, organization.id, release.id, project.id)
            details: Details = {"project": project.slug}
        else:
            queries.delete(tx, organization.id, release.id)
            details = {}
        record(tx, services, organization, "release.delete", (release.id, release.version), details)


def create_deploy(
    services: Services, organization: Organization, version: str, draft: DeployDraft, projects: Sequence[str]
) -> tuple[Deploy, bool]:
    """Record a deploy of a release, for the named projects or for all that have the release.

    Returns:
        The deploy, and whether it is new: the same request again returns the same deploy.

    Raises:
        NotFound: there is no such release.
        InvalidInput: the environment, the name or a project is invalid.
    """
    if not draft.environment.strip() or _BAD_ENVIRONMENT.search(draft.environment):
        raise InvalidInput("An environment has a name, without slashes and control characters.", "environment")
    services.limits.check("environment_length", len(draft.environment), "environment")
    services.limits.check("deploy_name_length", len(draft.name or ""), "name")
    names = _distinct_projects(services, projects)
    with services.store.write() as tx:
        release = require_release(tx, organization, version)
        all_ids = [project.id for project in release.projects]
        ids = [project.id for project in find_projects(tx, organization, names)] or all_ids
        if not set(ids) <= set(all_ids):
            raise InvalidInput(
                f"Release {version!r} does not belong to all of these projects; add them to it first.", "projects"
            )
        return queries.create_deploy(tx, organization.id, release.id, draft, ids, services.clock.now())


def list_deploys(services: Services, organization: Organization, version: str, request: PageQuery) -> Page[Deploy]:
    """Return the deploys of a release, the last one first."""
    with services.store.read() as tx:
        release = require_release(tx, organization, version)
        return queries.deploy_page(tx, organization.id, release.id, request)


def find_projects(tx: Transaction, organization: Organization, slugs_or_ids: Sequence[str]) -> list[Project]:
    """Return projects in the order of their slugs or ids, in a fixed number of statements.

    Raises:
        InvalidInput: one of the projects does not exist.
    """
    found = organization_queries.find_projects(tx, organization.id, slugs_or_ids)
    if not found.keys() >= set(slugs_or_ids):
        # The text of Sentry's API, which sentry-cli prints.
        raise InvalidInput("Invalid project ids or slugs", "projects")
    return [found[name] for name in slugs_or_ids]


def _distinct_projects(services: Services, slugs_or_ids: Sequence[str]) -> list[str]:
    """Return the projects of a request, each once.

    Raises:
        InvalidInput: there are more than ``limits.projects_per_request``.
    """
    names = list(dict.fromkeys(slugs_or_ids))
    services.limits.check("projects_per_request", len(names), "projects")
    return names


def _check_version(services: Services, version: str) -> None:
    name = version.strip()
    services.limits.check("version_length", len(version), "version")
    # As on Sentry. The dots would also change the path of a URL.
    if not name or name in (".", "..") or name.lower() == "latest":
        # The text of Sentry's API, which sentry-cli prints.
        raise InvalidInput(f"Release with name {version!r} is not allowed", "version")
    if _BAD_VERSION.search(version):
        raise InvalidInput("A release's name has no slashes, tabs or line ends.", "version")


def _read_request(services: Services, request: ReleaseRequest) -> tuple[CommitList | None, list[RefDraft]]:
    """Return the commits of a request, and its refs, with the base of a range as the previous commit.

    The commits are None where the request has no list of them.

    Raises:
        InvalidInput: something is over its limit, or a commit or a ref is invalid.
    """
    limits = services.limits
    limits.check("refs_per_request", len(request.refs or ()), "refs")
    limits.check("ref_length", len(request.draft.ref or ""), "ref")
    refs = []
    for ref in request.refs or ():
        limits.check("repository_name_length", len(ref.repository), "refs")
        limits.check("sha_length", len(ref.previous or ""), "refs")
        base, sha = read_range(ref.commit, limits)
        refs.append(RefDraft(ref.repository, sha, base or ref.previous or None))
    return None if request.commits is None else read_limited(services, request.commits), refs


def _ingest(
    tx: Transaction, services: Services, organization: Organization, release: Release, commits: CommitList | None
) -> tuple[list[IngestedCommits], list[str]]:
    """Save the commits of a request. Return them by repository, and notes for the sender."""
    if commits is None:
        return [], []
    ingested = save_commits(tx, services, organization, commits, {project.id for project in release.projects})
    return ingested, [*commits.notes, *repository_notes(organization, ingested)]


def _fill_new(tx: Transaction, release: Release, ingested: Sequence[IngestedCommits]) -> Release | None:
    """Make commits the lists of a release that was just created. None: not all are new, so that it has to read them."""
    if any(item.saved.known for item in ingested):
        return None
    if not ingested:
        return release
    heads = [Head(item.repository.id, item.head, None) for item in ingested]
    content_queries.set_heads(tx, release.organization_id, release.id, heads)
    lists = {item.repository.id: ([commit.sha for commit in item.drafts], item.saved) for item in ingested}
    return content_queries.fill(tx, release, lists)


def _save_lists(tx: Transaction, release: Release, ingested: Sequence[IngestedCommits]) -> None:
    """Make commits the release's lists of their repositories."""
    for item in ingested:
        # Each project of a release sends its own list; a placeholder has the lists of several repositories.
        join = item.is_placeholder or len(release.projects) > 1
        shas = [commit.sha for commit in item.drafts]
        content_queries.set_shas(tx, release, item.repository.id, shas, join=join, known=item.saved.new_ids)
        head = _newer_head(tx, release, item) if join else item.head
        content_queries.set_head(tx, release.organization_id, release.id, item.repository.id, head, None)


def _newer_head(tx: Transaction, release: Release, item: IngestedCommits) -> str:
    """Return the newer of the stored head and the sent one, because several senders add to one release."""
    stored = content_queries.head_of(tx, release.organization_id, release.version, item.repository.id)
    if stored is None:
        return item.head
    sent_commit, stored_commit = (
        commit_queries.find(tx, release.organization_id, item.repository.id, sha) for sha in (item.head, stored.sha)
    )
    # A head without a commit, such as a tag, has no time to compare; the sent one counts then.
    is_newer = sent_commit and stored_commit and stored_commit.committed_at > sent_commit.committed_at
    return stored.sha if is_newer else item.head


def _save_refs(
    tx: Transaction,
    services: Services,
    organization: Organization,
    release: Release,
    refs: Sequence[RefDraft],
    ingested: Sequence[IngestedCommits],
) -> list[str]:
    """Set the heads of a release, and schedule fetches of the commits that did not come in the same request.

    The number of statements does not depend on the number of refs.

    Raises:
        InvalidInput: a ref names no repository.
    """
    if not refs:
        return []
    repositories = _repositories_of(tx, organization, refs)
    heads = [Head(repository.id, ref.commit, ref.previous) for ref, repository in zip(refs, repositories, strict=True)]
    # Heads are set at once, and commits are fetched later: links need only the sha.
    content_queries.set_heads(tx, organization.id, release.id, heads)
    # A tag or a branch is not a commit, and gets its row when the provider has resolved it.
    pairs = [(head.repository_id, head.sha) for head in heads if looks_like_commit(head.sha)]
    bulk_queries.save_bare_commits(tx, organization.id, pairs, services.clock.now())
    sent_ids = {item.repository.id for item in ingested}
    # Fetching what was just sent would replace a list with files by one that may lack them.
    without_commits = [repository for repository in repositories if repository.id not in sent_ids]
    return request_fetches(tx, services, organization, release, without_commits)


def _repositories_of(tx: Transaction, organization: Organization, refs: Sequence[RefDraft]) -> list[Repository]:
    found = find_repositories_named(tx, organization, list(dict.fromkeys(ref.repository for ref in refs)))
    unknown = [name for name, repository in found.items() if repository is None]
    if unknown:
        # The text of Sentry's API. All names at once, so that one correction is enough.
        raise InvalidInput(f"Invalid repository names: {','.join(unknown)}", "refs")
    return [repository for ref in refs if (repository := found[ref.repository]) is not None]
