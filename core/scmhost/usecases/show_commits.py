"""Show commits with their page on the code host and the releases that hold them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog

from scmhost.host import PluginFault, ProviderCalls
from scmhost.kernel.paging import Page, PageRequest
from scmhost.sdk import NoUrl, Organization, ProviderError, Repository, safe_url
from scmhost.store import commits, installations, releases, repositories
from scmhost.store.engine import Transaction
from scmhost.store.values import Installation, ReleaseSummary, StoredCommit

from .find_release import require_release
from .page_cache import RequestPages
from .repositories import require
from .services import Services

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
        page = commits.page(tx, organization.id, repository_id, request)
        beside = look_beside(tx, organization, page.items)
    return page.showing(show_commits(services, organization, page.items, beside))


def commits_of_release(
    services: Services, organization: Organization, version: str, request: PageRequest
) -> Page[ShownCommit]:
    """A release's commits, newest first."""
    with services.store.read() as tx:
        release = require_release(tx, organization, version)
        page = releases.commits_page(tx, organization.id, release.id, request)
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
    of = repositories.get_many(tx, organization.id, {row.repository_id for row in rows})
    ids = {repository.installation_id for repository in of.values() if repository.installation_id is not None}
    stored = installations.get_many(tx, organization.id, ids)
    return Beside(
        of,
        {key: item.installation for key, item in stored.items()},
        commits.releases_of(tx, organization.id, [row.id for row in rows]),
    )


def show_commits(
    services: Services, organization: Organization, rows: Sequence[StoredCommit], beside: Beside
) -> list[ShownCommit]:
    """Commits with all that is shown beside them. Plugins are asked here, so let no transaction be open."""
    pages = _CommitPages(services, organization, beside)
    return [
        ShownCommit(
            row,
            beside.repositories[row.repository_id],
            pages.url(beside.repositories[row.repository_id], row.sha),
            beside.releases.get(row.id, ()),
        )
        for row in rows
    ]


class _CommitPages:
    """Finds the page of each commit."""

    def __init__(self, services: Services, organization: Organization, beside: Beside) -> None:
        self._plugins = services.plugins
        self._organization = organization
        self._beside = beside
        self._pages = RequestPages(services.pages)

    def url(self, repository: Repository, sha: str) -> str | None:
        """The page, or None where there is none; a plugin that fails costs the page, not the listing."""
        installation = self._beside.installations.get(repository.installation_id or 0)
        if installation is None or not self._plugins.decide(installation.provider, self._organization).on:
            return None
        calls = self._plugins.calls(installation.provider)
        try:
            url = self._ask(calls, installation, repository, sha) if calls else None
        except (PluginFault, ProviderError) as fault:
            log.warning("commit page not built", error=str(fault), repository=repository.id)
            return None
        return url if isinstance(url, str) and safe_url(url) else None

    def _ask(self, calls: ProviderCalls, installation: Installation, repository: Repository, sha: str) -> str | NoUrl:
        templates = self._pages.of(calls, installation, repository).templates
        return templates.commit(sha) if templates else calls.commit_url(installation, repository, sha)
