"""Show releases with their commits, files, authors, refs and deploys."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from operator import attrgetter, itemgetter

from scmhost.commits import queries as commit_queries
from scmhost.commits.fields import issue_ids
from scmhost.commits.find_repository import RepositoryHints, find_named, is_placeholder, only_possible_repository
from scmhost.commits.ingest import IngestedCommits
from scmhost.commits.show import (
    CommitContext,
    CommitPages,
    ShownCommit,
    installations_of,
    read_commit_context,
    show_commits,
)
from scmhost.commits.values import Author, ReleaseSummary, StoredCommit
from scmhost.infra.db.engine import Transaction
from scmhost.infra.errors import NotFound
from scmhost.infra.paging import Page, PageQuery
from scmhost.organizations import queries as organization_queries
from scmhost.organizations.queries import Project
from scmhost.repositories import queries as repository_queries
from scmhost.sdk import FileChange, Installation, Organization, Repository
from scmhost.services import Services

from . import content_queries, queries
from .values import Deploys, Head, Release


def require_release(
    tx: Transaction, organization: Organization, version: str, project: Project | None = None
) -> Release:
    """Return the release with this version, of a project if one is given.

    Raises:
        NotFound: there is no such release.
    """
    release = queries.find(tx, organization.id, version)
    if release is None:
        raise NotFound(f"Organization {organization.slug!r} has no release {version!r}.")
    # As for a release that does not exist, so that a project shows nothing of the others.
    if project is not None and project.id not in {own.id for own in release.projects}:
        raise NotFound(f"Project {project.slug!r} has no release {version!r}.")
    return release


@dataclass(frozen=True, slots=True)
class CommitFilter:
    """Restricts commits to the release of a project, and to a repository by id or name."""

    project: Project | None = None
    repository_id: int | None = None
    repository_name: str | None = None


def commits_of_release(
    services: Services, organization: Organization, version: str, request: PageQuery, only: CommitFilter
) -> Page[ShownCommit]:
    """Return a release's commits, newest first.

    Raises:
        NotFound: there is no such release, or no repository of the given name.
    """
    with services.store.read() as tx:
        release = require_release(tx, organization, version, only.project)
        repository_id = _repository_id(tx, organization, only)
        page = content_queries.commits_page(tx, organization.id, release.id, request, repository_id)
        context = read_commit_context(tx, organization, page.items)
    return page.showing(show_commits(services, organization, page.items, context))


def _repository_id(tx: Transaction, organization: Organization, only: CommitFilter) -> int | None:
    if not only.repository_name:
        return only.repository_id
    repository = find_named(tx, organization, only.repository_name)
    if repository is None:
        raise NotFound(f"Organization {organization.slug!r} has no repository {only.repository_name!r}.")
    return repository.id


@dataclass(frozen=True, slots=True)
class ChangedFileView:
    """A file that a commit changed, with the commit and its repository."""

    commit: StoredCommit
    change: FileChange
    repository: Repository


def files_of_release(
    services: Services, organization: Organization, version: str, request: PageQuery
) -> Page[ChangedFileView]:
    """Return the files that a release's commits changed, by path."""
    with services.store.read() as tx:
        release = require_release(tx, organization, version)
        page = queries.file_page(tx, organization.id, release.id, request)
        ids = {item.commit.repository_id for item in page.items}
        repositories = repository_queries.get_many(tx, organization.id, ids)
    return page.showing(
        [ChangedFileView(item.commit, item.change, repositories[item.commit.repository_id]) for item in page.items]
    )


@dataclass(frozen=True, slots=True)
class RefView:
    """A head of a release with its repository, and the page that compares it with the commit before."""

    repository: Repository
    head: Head
    compare_url: str | None = None


@dataclass(frozen=True, slots=True)
class ReleaseView:
    """A release with the related objects of its API answer."""

    release: Release
    authors: Sequence[Author]
    last_commit: ShownCommit | None
    deploys: Deploys | None
    refs: Sequence[RefView]
    notes: tuple[str, ...] = ()

    def with_notes(self, notes: Sequence[str]) -> "ReleaseView":
        """Return the view with more notes."""
        return replace(self, notes=(*self.notes, *notes))


@dataclass(frozen=True, slots=True)
class ReleaseDetails:
    """Releases with their related rows.

    Attributes:
        releases: the releases.
        authors: their authors, by author id.
        last_commits: the last commit of each, by release id.
        context: the related rows of the last commits.
        deploys: their deploys, by release id.
        refs: their heads, by release id.
        installations: the installations of repositories with a page to compare, by installation id.
    """

    releases: Sequence[Release]
    authors: Mapping[int, Author]
    last_commits: Mapping[int, StoredCommit]
    context: CommitContext
    deploys: Mapping[int, Deploys]
    refs: Mapping[int, Sequence[RefView]]
    installations: Mapping[int, Installation]


def load_details(
    tx: Transaction,
    organization: Organization,
    releases: Sequence[Release],
    last_commits: Mapping[int, StoredCommit] | None = None,
) -> ReleaseDetails:
    """Read the related rows of releases, in a number of statements that does not depend on theirs.

    Args:
        tx: the transaction.
        organization: the organization.
        releases: the releases.
        last_commits: commits to show as the last ones, by release id, instead of those that are stored.
    """
    # The stored one is the newest of all repositories; a client's checkout needs the one of its repository.
    if last_commits is None:
        commit_ids = {release.last_commit_id for release in releases if release.last_commit_id}
        commits = commit_queries.get_many(tx, organization.id, commit_ids)
        last_commits = {
            release.id: commits[release.last_commit_id] for release in releases if release.last_commit_id in commits
        }
    author_ids = {author_id for release in releases for author_id in release.author_ids}
    release_ids = [release.id for release in releases]
    refs = _load_refs(tx, organization, release_ids)
    # Only for these is an installation needed: the page that compares needs two commits.
    compared = [ref.repository for views in refs.values() for ref in views if ref.head.previous_sha]
    return ReleaseDetails(
        releases,
        commit_queries.get_authors(tx, organization.id, author_ids),
        last_commits,
        read_commit_context(tx, organization, list(last_commits.values())),
        queries.deploys_of_releases(tx, organization.id, release_ids),
        refs,
        installations_of(tx, organization, compared),
    )


def details_of_new(
    tx: Transaction, organization: Organization, release: Release, ingested: Sequence[IngestedCommits]
) -> ReleaseDetails:
    """Return the related rows of a release that this transaction has created with new commits alone.

    Only installations are read: all else is known from saving it.
    """
    authors = {id_: Author(id_, name, email) for item in ingested for email, (id_, name) in item.saved.authors.items()}
    refs = [RefView(item.repository, Head(item.repository.id, item.head, None)) for item in ingested]
    last_commits, context = {}, CommitContext({}, {}, {})
    if ingested:
        last, repository = _newest_commit(ingested, authors)
        summary = ReleaseSummary(**{field.name: getattr(release, field.name) for field in fields(ReleaseSummary)})
        installations = installations_of(tx, organization, [repository])
        last_commits = {release.id: last}
        context = CommitContext({repository.id: repository}, installations, {last.id: (summary,)})
    return ReleaseDetails(
        [release], authors, last_commits, context, {}, {release.id: sorted(refs, key=attrgetter("repository.id"))}, {}
    )


def _newest_commit(
    ingested: Sequence[IngestedCommits], authors: Mapping[int, Author]
) -> tuple[StoredCommit, Repository]:
    """Return the newest of new commits as it is stored, and its repository."""
    newest, item = max(((each.saved.newest, each) for each in ingested if each.saved.newest), key=itemgetter(0))
    committed_at, place, id_ = newest
    sha = item.saved.new[-place]
    draft = next(commit for commit in item.drafts if commit.sha == sha)
    author = authors[item.saved.authors[draft.author_email][0]] if draft.author_email else None
    repository = item.repository
    issues = issue_ids(draft.message or "")
    return (
        StoredCommit(id_, repository.organization_id, repository.id, sha, draft.message, author, committed_at, issues),
        repository,
    )


def _load_refs(tx: Transaction, organization: Organization, release_ids: Sequence[int]) -> dict[int, list[RefView]]:
    heads_of = content_queries.heads_of(tx, organization.id, release_ids)
    ids = {head.repository_id for heads in heads_of.values() for head in heads}
    repositories = repository_queries.get_many(tx, organization.id, ids)
    return {
        release_id: [RefView(repositories[head.repository_id], head) for head in heads]
        for release_id, heads in heads_of.items()
    }


def release_views(services: Services, organization: Organization, details: ReleaseDetails) -> list[ReleaseView]:
    """Return releases with their related objects. This calls plugins, so no transaction may be open."""
    shown = show_commits(services, organization, list(details.last_commits.values()), details.context)
    last_commits = dict(zip(details.last_commits, shown, strict=True))
    # One object for all releases of a page: most of them have the same repositories.
    pages = CommitPages(services, organization, details.installations)
    return [
        ReleaseView(
            release,
            [details.authors[id_] for id_ in release.author_ids if id_ in details.authors],
            last_commits.get(release.id),
            details.deploys.get(release.id),
            [_with_compare_url(pages, ref) for ref in details.refs.get(release.id, ())],
        )
        for release in details.releases
    ]


def _with_compare_url(pages: CommitPages, ref: RefView) -> RefView:
    if not ref.head.previous_sha:
        return ref
    return replace(ref, compare_url=pages.compare_url(ref.repository, ref.head.previous_sha, ref.head.sha))


def previous_with_commits(
    services: Services, organization: Organization, version: str, repository_name: str | None = None
) -> ReleaseView | None:
    """Return the newest release before this one of one of its projects, with its head as the last commit.

    Clients search for that commit in their checkout, and fail if it is not there. So the head is of the named
    repository, else of the only repository that the checkout can be of; where that may be one of several, None.

    Raises:
        NotFound: there is no such release.
    """
    with services.store.read() as tx:
        release = require_release(tx, organization, version)
        ids = [project.id for project in release.projects]
        repository = _checkout_repository(tx, organization, ids, repository_name)
        # No release is safe: sentry-cli then sends its default number of commits. A wrong sha would end the build.
        if repository is None:
            return None
        previous = queries.before(tx, release, repository.id)
        commit = commit_queries.find(tx, organization.id, repository.id, previous[1]) if previous else None
        if previous is None or commit is None:
            return None
        details = load_details(tx, organization, [previous[0]], {previous[0].id: commit})
    return release_views(services, organization, details)[0]


def _checkout_repository(
    tx: Transaction, organization: Organization, project_ids: Collection[int], name: str | None
) -> Repository | None:
    """Return the repository of the sender's checkout, if it can be only one."""
    if name:
        return find_named(tx, organization, name)
    return only_possible_repository(tx, organization, RepositoryHints(project_ids)) or _only_placeholder(
        tx, organization
    )


def _only_placeholder(tx: Transaction, organization: Organization) -> Repository | None:
    """Return the placeholder of an organization with one project and no other repository."""
    # Two are enough to see that there is more than one.
    active = repository_queries.active_ids(tx, organization.id, 2)
    # With a second project or repository, the placeholder may have commits of several checkouts, and a client that gets
    # a sha of another checkout fails.
    if len(active) != 1 or len(organization_queries.project_page(tx, organization.id, PageQuery(0, 2)).items) != 1:
        return None
    repository = repository_queries.get(tx, organization.id, active[0])
    return repository if repository and is_placeholder(repository) else None
