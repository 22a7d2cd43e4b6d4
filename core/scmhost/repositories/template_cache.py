"""The URL templates of repositories, as their plugins return them, in a cache."""

import re
from collections import OrderedDict
from threading import Lock
from typing import Final

from scmhost.plugins import ProviderCalls
from scmhost.sdk import Installation, NoUrl, RefKind, Repository, UrlTemplates
from scmhost.sdk.urls.ref_links import RefLinks

MAX_REPOSITORIES: Final = 1_024
MAX_REFS: Final = 64

# Digits that no template changes: escaping leaves them alone, and all of them have the same length.
_is_full_sha: Final = re.compile("[0-9a-f]{40}").fullmatch
# The first is cut out of its page; the second shows whether the rest of the page depends on the sha.
_SAMPLE_SHAS: Final = ("0123456789abcdef" * 2 + "01234567", "fedcba9876543210" * 2 + "fedcba98")


class RepositoryTemplates:
    """The URL templates of one repository, with links to files at the refs that were asked for last, and to commits."""

    def __init__(self, templates: UrlTemplates | None) -> None:
        self.templates = templates
        self._refs: OrderedDict[str, RefLinks | NoUrl] = OrderedDict()
        self._lock = Lock()
        self._around_sha: tuple[str, str] | None = None
        self._commit_page_is_read = False

    def at(self, ref: str, kind: RefKind) -> RefLinks | NoUrl | None:
        """Return the links to files at a ref; None when the plugin has no templates and builds each URL."""
        if self.templates is None:
            return None
        with self._lock:
            key = f"{kind}:{ref}"
            if key not in self._refs:
                self._refs[key] = self.templates.at(ref, kind)
                if len(self._refs) > MAX_REFS:
                    self._refs.popitem(last=False)
            return self._refs[key]

    def commit(self, sha: str) -> str | NoUrl | None:
        """Return the page of a commit; None when the plugin has no templates and builds each URL."""
        if self.templates is None:
            return None
        if not _is_full_sha(sha):
            return self.templates.commit(sha)
        # Two threads may do this at once, with the same result; the flag is set last.
        if not self._commit_page_is_read:
            self._around_sha = _split_around_sha(self.templates)
            self._commit_page_is_read = True
        if self._around_sha is None:
            return self.templates.commit(sha)
        head, tail = self._around_sha
        return f"{head}{sha}{tail}"


def _split_around_sha(templates: UrlTemplates) -> tuple[str, str] | None:
    """Return the text around the sha in pages of commits; None if a page has it more than once, changed or cut.

    Filling in a template takes forty microseconds, and a page of releases or commits has up to a hundred.
    """
    first, second = _SAMPLE_SHAS
    page = templates.commit(first)
    if isinstance(page, NoUrl) or page.count(first) != 1:
        return None
    head, _, tail = page.partition(first)
    return (head, tail) if templates.commit(second) == f"{head}{second}{tail}" else None


class TemplateCache:
    """Caches the URL templates of the most recently used repositories, for all requests of a process."""

    def __init__(self) -> None:
        self._cached: OrderedDict[tuple[ProviderCalls, str, str], RepositoryTemplates] = OrderedDict()
        self._last: dict[int, tuple[ProviderCalls, Installation, Repository, RepositoryTemplates]] = {}
        self._lock = Lock()

    def of(self, calls: ProviderCalls, installation: Installation, repository: Repository) -> RepositoryTemplates:
        """Return a repository's templates, from its plugin if they are not cached."""
        # Most requests have the very objects of the last one, which are cached too: nothing has to be compared.
        last = self._last.get(repository.id)
        if last and last[0] is calls and last[1] is installation and last[2] is repository:
            return last[3]
        templates = self._by_value(calls, installation, repository)
        if len(self._last) >= MAX_REPOSITORIES:
            self._last.clear()
        self._last[repository.id] = (calls, installation, repository, templates)
        return templates

    def _by_value(
        self, calls: ProviderCalls, installation: Installation, repository: Repository
    ) -> RepositoryTemplates:
        # The object of the calls changes with the plugin's settings. The values are compared by their text, because
        # their configuration is not hashable; as JSON it would fail for half of a surrogate pair.
        key = (calls, repr(installation), repr(repository))
        with self._lock:
            if key in self._cached:
                self._cached.move_to_end(key)
                return self._cached[key]
        # The plugin's code runs outside the lock. Two requests may call it at once, and get equal results.
        templates = RepositoryTemplates(calls.url_templates(installation, repository))
        with self._lock:
            self._cached[key] = templates
            if len(self._cached) > MAX_REPOSITORIES:
                self._cached.popitem(last=False)
        return templates


class RequestTemplates:
    """The URL templates of one request's repositories, by id: values do not change within a request."""

    def __init__(self, cache: TemplateCache) -> None:
        self._cache = cache
        self._templates: dict[int, RepositoryTemplates] = {}

    def of(self, calls: ProviderCalls, installation: Installation, repository: Repository) -> RepositoryTemplates:
        """Return a repository's templates."""
        if repository.id not in self._templates:
            self._templates[repository.id] = self._cache.of(calls, installation, repository)
        return self._templates[repository.id]
