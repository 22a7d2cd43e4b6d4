"""The page templates of repositories, asked of their plugins once and kept."""

from collections import OrderedDict
from threading import Lock
from typing import Final

from scmhost.plugins import ProviderCalls
from scmhost.sdk import Installation, NoUrl, RefKind, Repository, UrlTemplates
from scmhost.sdk.urls.ref_links import RefLinks

MOST_REPOSITORIES: Final = 1_024
MOST_REFS: Final = 64


class KnownTemplates:
    """The pages of one repository, ready to render at the refs asked for last."""

    def __init__(self, templates: UrlTemplates | None) -> None:
        self.templates = templates
        self._refs: OrderedDict[str, RefLinks | NoUrl] = OrderedDict()
        self._lock = Lock()

    def at(self, ref: str, kind: RefKind) -> RefLinks | NoUrl | None:
        """The file pages at a ref; None when the plugin wants to be asked for each URL."""
        if self.templates is None:
            return None
        with self._lock:
            key = f"{kind}:{ref}"
            if key not in self._refs:
                self._refs[key] = self.templates.at(ref, kind)
                if len(self._refs) > MOST_REFS:
                    self._refs.popitem(last=False)
            return self._refs[key]


class PageCache:
    """Keeps the pages of the repositories asked for last."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[ProviderCalls, str, str], KnownTemplates] = OrderedDict()
        self._lock = Lock()

    def of(self, calls: ProviderCalls, installation: Installation, repository: Repository) -> KnownTemplates:
        """A repository's pages; the plugin is asked if they are not kept."""
        # The calls are others once the plugin's settings are.
        key = (calls, installation.model_dump_json(), repository.model_dump_json())
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        # Foreign code runs outside the lock: two requests may ask at once, and get equal answers.
        pages = KnownTemplates(calls.url_templates(installation, repository))
        with self._lock:
            self._kept[key] = pages
            if len(self._kept) > MOST_REPOSITORIES:
                self._kept.popitem(last=False)
        return pages


class RequestPages:
    """The pages of one request's repositories: values do not change within a request, so the id tells them apart."""

    def __init__(self, cache: PageCache) -> None:
        self._cache = cache
        self._known: dict[int, KnownTemplates] = {}

    def of(self, calls: ProviderCalls, installation: Installation, repository: Repository) -> KnownTemplates:
        """A repository's pages."""
        if repository.id not in self._known:
            self._known[repository.id] = self._cache.of(calls, installation, repository)
        return self._known[repository.id]
