"""Show releases with their commits, files, authors and deploys."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from scmhost.commits import queries as commit_queries
from scmhost.commits.find_repository import Clues, find_named, is_stand_in, only_home
from scmhost.commits.show import Beside, CommitPages, ShownCommit, installations_of, look_beside, show_commits
from scmhost.commits.values import Author, StoredCommit
from scmhost.infra.db.engine import Transaction
from scmhost.infra.errors import NotFound
from scmhost.infra.paging import Page, PageRequest
from scmhost.organizations import queries as organization_queries
from scmhost.organizations.values import Project
from scmhost.repositories import queries as repository_queries
from scmhost.sdk import FileChange, Installation, Organization, Repository
from scmhost.services import Services

from . import content_queries, queries
from .values import Deploys, Head, Release


def require_release(
    tx: Transaction, organization: Organization, version: str, project: Project | None = None
) -> Release:
    """The release with this version, of the project if one is named; or a NotFound that names it."""
    release = queries.find(tx, organization.id, version)
    if release is None:
        raise NotFound(f"Organization {organization.slug!r} has no release {version!r}.")
    if project is not None and project.id not in {own.id for own in release.projects}:
        raise NotFound(f"Project {project.slug!r} has no release {version!r}.")
    return release


@dataclass(frozen=True, slots=True)
class CommitFilter:
    """Which of a release's commits are wanted: of a project's release, and of the repository with an id or a name."""

    project: Project | None = None
    repository_id: int | None = None
    repository_name: str | None = None


def commits_of_release(
    services: Services, organization: Organization, version: str, request: PageRequest, wanted: CommitFilter
) -> Page[ShownCommit]:
    """A release's commits, newest first."""
    with services.store.read() as tx:
        release = require_release(tx, organization, version, wanted.project)
        repository_id = _wanted_id(tx, organization, wanted)
        page = content_queries.commits_page(tx, organization.id, release.id, request, repository_id)
        beside = look_beside(tx, organization, page.items)
    return page.showing(show_commits(services, organization, page.items, beside))


def _wanted_id(tx: Transaction, organization: Organization, wanted: CommitFilter) -> int | None:
    if not wanted.repository_name:
        return wanted.repository_id
    named = repository_queries.by_name(tx, organization.id, wanted.repository_name)
    if named is None:
        raise NotFound(f"Organization {organization.slug!r} has no repository {wanted.repository_name!r}.")
    return named.id


@dataclass(frozen=True, slots=True)
class ShownFile:
    """A file that a commit changed."""

    commit: StoredCommit
    change: FileChange
    repository: Repository


def files_of_release(
    services: Services, organization: Organization, version: str, request: PageRequest
) -> Page[ShownFile]:
    """The files that a release's commits changed, by path."""
    with services.store.read() as tx:
        release = require_release(tx, organization, version)
        page = queries.file_page(tx, organization.id, release.id, request)
        of = repository_queries.get_many(tx, organization.id, {item.commit.repository_id for item in page.items})
    return page.showing([ShownFile(item.commit, item.change, of[item.commit.repository_id]) for item in page.items])


@dataclass(frozen=True, slots=True)
class ShownRef:
    """Where a release stands in a repository, and the page between there and the commit before, if that is known."""

    repository: Repository
    head: Head
    compare_url: str | None = None


@dataclass(frozen=True, slots=True)
class ShownRelease:
    """A release with what is shown beside it."""

    release: Release
    authors: Sequence[Author]
    last_commit: ShownCommit | None
    deploys: Deploys | None
    refs: Sequence[ShownRef]
    notes: tuple[str, ...] = ()

    def noting(self, notes: Sequence[str]) -> "ShownRelease":
        """The same with more to be said of it."""
        return replace(self, notes=(*self.notes, *notes))


@dataclass(frozen=True, slots=True)
class ReleaseDetails:
    """Releases as stored, with what is shown beside them, by release."""

    rows: Sequence[Release]
    authors: Mapping[int, Author]
    last: Mapping[int, StoredCommit]
    beside: Beside
    deploys: Mapping[int, Deploys]
    refs: Mapping[int, Sequence[ShownRef]]
    installations: Mapping[int, Installation]


def look_up(
    tx: Transaction,
    organization: Organization,
    rows: Sequence[Release],
    last: Mapping[int, StoredCommit] | None = None,
) -> ReleaseDetails:
    """Read what is shown beside releases. ``last`` are their last commits, where these are not their own."""
    if last is None:
        known = commit_queries.get_many(tx, organization.id, {row.last_commit_id for row in rows if row.last_commit_id})
        last = {row.id: known[row.last_commit_id] for row in rows if row.last_commit_id in known}
    people = commit_queries.get_authors(tx, organization.id, {author for row in rows for author in row.author_ids})
    ids = [row.id for row in rows]
    deployed = queries.deploys_of_releases(tx, organization.id, ids)
    beside = look_beside(tx, organization, list(last.values()))
    refs = _refs(tx, organization, ids)
    compared = [ref.repository for found in refs.values() for ref in found if ref.head.previous_sha]
    return ReleaseDetails(rows, people, last, beside, deployed, refs, installations_of(tx, organization, compared))


def show(services: Services, organization: Organization, found: ReleaseDetails) -> list[ShownRelease]:
    """Releases with all that is shown beside them. Plugins are asked here, so let no transaction be open."""
    shown = show_commits(services, organization, list(found.last.values()), found.beside)
    last = dict(zip(found.last, shown, strict=True))
    pages = CommitPages(services, organization, found.installations)
    return [
        ShownRelease(
            row,
            [found.authors[author] for author in row.author_ids if author in found.authors],
            last.get(row.id),
            found.deploys.get(row.id),
            [_compared(pages, ref) for ref in found.refs.get(row.id, ())],
        )
        for row in found.rows
    ]


def _compared(pages: CommitPages, ref: ShownRef) -> ShownRef:
    if not ref.head.previous_sha:
        return ref
    return replace(ref, compare_url=pages.compare_url(ref.repository, ref.head.previous_sha, ref.head.sha))


def _refs(tx: Transaction, organization: Organization, release_ids: Sequence[int]) -> dict[int, list[ShownRef]]:
    heads = content_queries.heads_of(tx, organization.id, release_ids)
    ids = {head.repository_id for found in heads.values() for head in found}
    of = repository_queries.get_many(tx, organization.id, ids)
    return {
        release_id: [ShownRef(of[head.repository_id], head) for head in found] for release_id, found in heads.items()
    }


def previous_with_commits(
    services: Services, organization: Organization, version: str, repository: str | None = None
) -> ShownRelease | None:
    """The newest release before this one of a project of this one, with the commit at which it stood as its last.

    Clients look that commit up in their checkout, and fail when it is not there. So only a commit of the named
    repository is given, else of the only one that a checkout can be of; where it may be one of several, None.
    """
    with services.store.read() as tx:
        release = require_release(tx, organization, version)
        home = _checkout(tx, organization, [project.id for project in release.projects], repository)
        before = queries.before(tx, release, home.id) if home else None
        commit = commit_queries.find(tx, organization.id, home.id, before[1]) if home and before else None
        if before is None or commit is None:
            return None
        found = look_up(tx, organization, [before[0]], {before[0].id: commit})
    return show(services, organization, found)[0]


def _checkout(
    tx: Transaction, organization: Organization, project_ids: Collection[int], named: str | None
) -> Repository | None:
    """The repository that the sender has before them."""
    if named:
        return find_named(tx, organization, named)
    return only_home(tx, organization, Clues(project_ids)) or _lone_stand_in(tx, organization)


def _lone_stand_in(tx: Transaction, organization: Organization) -> Repository | None:
    """The stand-in of an organization that has one project and nothing else: there it stands for one repository."""
    active = repository_queries.active_ids(tx, organization.id, 2)
    if len(active) != 1 or len(organization_queries.project_page(tx, organization.id, PageRequest(0, 2)).items) != 1:
        return None
    found = repository_queries.get(tx, organization.id, active[0])
    return found if found and is_stand_in(found) else None
