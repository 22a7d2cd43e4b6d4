"""The hooks for links of a provider whose repositories all have the same pages."""

from collections.abc import Callable, Sequence

from .hook_specs import hookimpl
from .urls.pages import Pages, RepositoryPages, UrlTemplates, read_any_url
from .values import Location, LocationCandidate, NoUrl, Repository

LinkHooks = tuple[
    Callable[..., UrlTemplates | None],
    Callable[..., str | NoUrl],
    Callable[..., str | NoUrl],
    Callable[..., str | NoUrl],
    Callable[..., Sequence[LocationCandidate]],
]
"""The hooks in the order of ``link_hooks``."""


def link_hooks(pages: Pages) -> LinkHooks:
    """Return the hooks that build links to the pages of a host, and read them.

    Assign them in this order in the module of the plugin: ``scm_url_templates``, ``scm_source_url``,
    ``scm_commit_url``, ``scm_compare_url``, ``scm_read_source_url``.
    """

    def pages_of(repository: Repository) -> RepositoryPages:
        return RepositoryPages(pages=pages, repository=repository)

    @hookimpl
    def scm_url_templates(repository: Repository) -> UrlTemplates | None:
        return pages_of(repository).templates

    @hookimpl
    def scm_source_url(repository: Repository, location: Location) -> str | NoUrl:
        return pages_of(repository).view(location)

    @hookimpl
    def scm_commit_url(repository: Repository, sha: str) -> str | NoUrl:
        return pages_of(repository).commit(sha)

    @hookimpl
    def scm_compare_url(repository: Repository, base: str, head: str) -> str | NoUrl:
        return pages_of(repository).compare(base, head)

    @hookimpl
    def scm_read_source_url(url: str, repositories: Sequence[Repository]) -> Sequence[LocationCandidate]:
        return read_any_url(url, pages, repositories)

    return scm_url_templates, scm_source_url, scm_commit_url, scm_compare_url, scm_read_source_url
