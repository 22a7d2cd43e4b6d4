"""Show commits with their page on the code host and the releases that contain them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from scmhost.infra.db.base import is_text
from scmhost.infra.db.engine import Transaction
from scmhost.infra.paging import Page, PageQuery
from scmhost.installations import queries as installation_queries
from scmhost.plugins import PluginFault, ProviderCalls
from scmhost.repositories import queries as repository_queries
from scmhost.repositories.manage import require_repository
from scmhost.repositories.template_cache import RepositoryTemplates, RequestTemplates, TemplateCache
from scmhost.sdk import Installation, NoUrl, Organization, ProviderError, Repository, safe_url
from scmhost.services import Services

from . import queries
from .values import ReleaseSummary, StoredCommit

_BuildUrl = Callable[[ProviderCalls, Installation, RepositoryTemplates], str | NoUrl]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ShownCommit:
    """A commit with its repository, its page on the code host if there is one, and its releases."""

    commit: StoredCommit
    repository: Repository
    url: str | None
    releases: Sequence[ReleaseSummary] = ()


@dataclass(frozen=True, slots=True)
class CommitContext:
    """The related rows of commits: repositories and installations by id, releases by commit id."""

    repositories: Mapping[int, Repository]
    installations: Mapping[int, Installation]
    releases: Mapping[int, Sequence[ReleaseSummary]]


def commits_of_repository(
    services: Services, organization: Organization, repository_id: int, request: PageQuery
) -> Page[ShownCommit]:
    """Return a page of a repository's commits, newest first. Commits of a hidden repository stay readable."""
    with services.store.read() as tx:
        require_repository(tx, organization, repository_id)
        page = queries.page(tx, organization.id, repository_id, request)
        context = read_commit_context(tx, organization, page.items)
    return page.showing(show_commits(services, organization, page.items, context))


def read_commit_context(tx: Transaction, organization: Organization, rows: Sequence[StoredCommit]) -> CommitContext:
    """Read the related rows of commits."""
    repositories = repository_queries.get_many(tx, organization.id, {row.repository_id for row in rows})
    releases = queries.releases_of(tx, organization.id, [row.id for row in rows])
    return CommitContext(repositories, installations_of(tx, organization, repositories.values()), releases)


def installations_of(
    tx: Transaction, organization: Organization, repositories: Iterable[Repository]
) -> Mapping[int, Installation]:
    """Return the installations of repositories, by installation id."""
    ids = {repository.installation_id for repository in repositories if repository.installation_id is not None}
    return {key: item.installation for key, item in installation_queries.get_many(tx, organization.id, ids).items()}


def show_commits(
    services: Services, organization: Organization, rows: Sequence[StoredCommit], context: CommitContext
) -> list[ShownCommit]:
    """Return commits with their related rows and pages. This calls plugins, so no transaction should be open."""
    pages = CommitPages(services, organization, context.installations)
    shown = []
    for row in rows:
        repository = context.repositories[row.repository_id]
        url = pages.url(repository, row.sha)
        shown.append(ShownCommit(row, repository, url, context.releases.get(row.id, ())))
    return shown


class CommitPages:
    """Builds the URLs of pages on the code host. If a plugin fails, the answer has no URL.

    Args:
        services: the services.
        organization: the organization for which providers must be on.
        installations: the repositories' installations by id.
    """

    def __init__(
        self, services: Services, organization: Organization, installations: Mapping[int, Installation]
    ) -> None:
        self._plugins = services.plugins
        self._organization = organization
        self._installations = installations
        self._pages = RequestTemplates(services.shared(TemplateCache))

    def url(self, repository: Repository, sha: str) -> str | None:
        """Return the page of a commit, or None if there is none."""

        def build(calls: ProviderCalls, installation: Installation, cached: RepositoryTemplates) -> str | NoUrl:
            page = cached.commit(sha)
            return calls.commit_url(installation, repository, sha) if page is None else page

        return self._built(repository, build)

    def compare_url(self, repository: Repository, base: str, head: str) -> str | None:
        """Return the page that compares two commits, or None if there is none."""

        def build(calls: ProviderCalls, installation: Installation, cached: RepositoryTemplates) -> str | NoUrl:
            if cached.templates:
                return cached.templates.compare(base, head)
            return calls.compare_url(installation, repository, base, head)

        return self._built(repository, build)

    def _built(self, repository: Repository, build: _BuildUrl) -> str | None:
        # No id is 0, so that an unclaimed repository has no installation.
        installation = self._installations.get(repository.installation_id or 0)
        if installation is None or not self._plugins.decide(installation.provider, self._organization).on:
            return None
        calls = self._plugins.calls(installation.provider)
        if calls is None:
            return None
        try:
            cached = self._pages.of(calls, installation, repository)
            url = build(calls, installation, cached)
        # A ValueError is a value that cannot be part of a URL, such as half of a surrogate pair.
        except (PluginFault, ProviderError, ValueError) as error:
            log.warning("commit page not built", plugin=calls.plugin, repository=repository.id, error=str(error))
            return None
        # JSON cannot express half of a surrogate pair: the whole answer would fail.
        if not isinstance(url, str) or not is_text(url):
            return None
        # Templates give checked URLs only.
        return url if cached.templates or safe_url(url) else None
