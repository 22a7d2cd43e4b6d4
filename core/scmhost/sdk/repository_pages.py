"""A host's pages and the repositories that have them: what the link hooks of most plugins come to."""

from collections.abc import Iterable

from .page_urls import read_own_url
from .pages import Pages, UrlTemplates
from .reasons import Reason
from .values import Location, LocationCandidate, NoUrl, Repository, Value


class RepositoryPages(Value):
    """The pages of a repository, or why it has none. Each link hook of a plugin is one call of it.

    Attributes:
        pages: the templates of its host, ``preset(kind).pages`` for one.
        repository: the repository.
    """

    pages: Pages
    repository: Repository

    @property
    def templates(self) -> UrlTemplates | None:
        """What ``scm_url_templates`` hands to the host; None for a repository without a URL."""
        url = self.repository.url
        return UrlTemplates(pages=self.pages, repo_url=url) if url is not None else None

    def view(self, location: Location) -> str | NoUrl:
        """The page of a file: ``scm_source_url``."""
        templates = self.templates
        return templates.view(location) if templates else self._without_url()

    def commit(self, sha: str) -> str | NoUrl:
        """The page of a commit: ``scm_commit_url``."""
        templates = self.templates
        return templates.commit(sha) if templates else self._without_url()

    def compare(self, base: str, head: str) -> str | NoUrl:
        """The page between two commits: ``scm_compare_url``."""
        templates = self.templates
        return templates.compare(base, head) if templates else self._without_url()

    def _without_url(self) -> NoUrl:
        return NoUrl(reason=Reason.REPOSITORY_WITHOUT_URL, message=f"Repository {self.repository.name!r} has no URL.")


def read_any_url(url: str, pages: Pages, repositories: Iterable[Repository]) -> list[LocationCandidate]:
    """The places in any of the repositories that a page's URL may mean: ``scm_read_source_url``."""
    found = [
        (repository.id, Location.model_validate(candidate.model_dump(exclude={"repo"})))
        for repository in repositories
        for candidate in (read_own_url(url, pages, repository.url) if repository.url else ())
        if candidate.ref is not None
    ]
    return [LocationCandidate(repository_id=to, location=at, ambiguous=len(found) > 1) for to, at in found]
