"""Show commits with their page on the code host and the releases that hold them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from scmhost.infra.db.engine import Transaction
from scmhost.infra.paging import Page, PageRequest
from scmhost.installations import queries as installation_queries
from scmhost.plugins import PluginFault, ProviderCalls
from scmhost.repositories import queries as repository_queries
from scmhost.repositories.manage import require
from scmhost.repositories.pages import PageCache, RequestPages
from scmhost.sdk import Installation, NoUrl, Organization, ProviderError, Repository, UrlTemplates, safe_url
from scmhost.services import Services

from . import queries
from .stored import ReleaseSummary, StoredCommit

_Ask = Callable[[ProviderCalls, Installation, UrlTemplates | None], str | NoUrl]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ShownCommit:
    """A commit with what is shown beside it."""

    commit: StoredCommit
    repository: Repository
    url: str | None
    releases: Sequence[ReleaseSummary] = ()


def commits_of_repository(
    services: Services, organization: Organization, repository_id: int, request: PageRequest
) -> Page[ShownCommit]:
    """A repository's commits, newest first. A hidden repository's commits stay readable."""
    with services.store.read() as tx:
        require(tx, organization, repository_id)
        page = queries.page(tx, organization.id, repository_id, request)
        beside = look_beside(tx, organization, page.items)
    return page.showing(show_commits(services, organization, page.items, beside))


@dataclass(frozen=True, slots=True)
class Beside:
    """What is shown beside some commits."""

    repositories: Mapping[int, Repository]
    installations: Mapping[int, Installation]
    releases: Mapping[int, Sequence[ReleaseSummary]]


def look_beside(tx: Transaction, organization: Organization, rows: Sequence[StoredCommit]) -> Beside:
    """Read what is shown beside commits."""
    of = repository_queries.get_many(tx, organization.id, {row.repository_id for row in rows})
    shown = queries.releases_of(tx, organization.id, [row.id for row in rows])
    return Beside(of, installations_of(tx, organization, of.values()), shown)


def installations_of(
    tx: Transaction, organization: Organization, of: Iterable[Repository]
) -> Mapping[int, Installation]:
    """The installations that repositories belong to, by id."""
    ids = {repository.installation_id for repository in of if repository.installation_id is not None}
    return {key: item.installation for key, item in installation_queries.get_many(tx, organization.id, ids).items()}


def show_commits(
    services: Services, organization: Organization, rows: Sequence[StoredCommit], beside: Beside
) -> list[ShownCommit]:
    """Commits with all that is shown beside them. Plugins are asked here, so let no transaction be open."""
    pages = CommitPages(services, organization, beside.installations)
    return [
        ShownCommit(
            row,
            beside.repositories[row.repository_id],
            pages.url(beside.repositories[row.repository_id], row.sha),
            beside.releases.get(row.id, ()),
        )
        for row in rows
    ]


class CommitPages:
    """Finds the pages of commits. A plugin that fails costs the page, not what it would stand beside."""

    def __init__(
        self, services: Services, organization: Organization, of_repositories: Mapping[int, Installation]
    ) -> None:
        self._plugins = services.plugins
        self._organization = organization
        self._installations = of_repositories
        self._pages = RequestPages(services.shared(PageCache))

    def url(self, repository: Repository, sha: str) -> str | None:
        """The page of a commit, or None where there is none."""

        def ask(calls: ProviderCalls, installation: Installation, templates: UrlTemplates | None) -> str | NoUrl:
            return templates.commit(sha) if templates else calls.commit_url(installation, repository, sha)

        return self._asked(repository, ask)

    def compare_url(self, repository: Repository, base: str, head: str) -> str | None:
        """The page between two commits, or None where there is none."""

        def ask(calls: ProviderCalls, installation: Installation, templates: UrlTemplates | None) -> str | NoUrl:
            if templates:
                return templates.compare(base, head)
            return calls.compare_url(installation, repository, base, head)

        return self._asked(repository, ask)

    def _asked(self, repository: Repository, ask: _Ask) -> str | None:
        installation = self._installations.get(repository.installation_id or 0)
        if installation is None or not self._plugins.decide(installation.provider, self._organization).on:
            return None
        calls = self._plugins.calls(installation.provider)
        if calls is None:
            return None
        try:
            url = ask(calls, installation, self._pages.of(calls, installation, repository).templates)
        except (PluginFault, ProviderError) as fault:
            log.warning("commit page not built", error=str(fault), repository=repository.id)
            return None
        return url if isinstance(url, str) and safe_url(url) else None
