"""Pages of an organization's repositories as they are answered, in a cache: plugins shape each repository."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from scmhost.infra.paging import Page
from scmhost.plugins import ProviderCalls
from scmhost.sdk import Organization, Repository
from scmhost.sdk.provider import RepositoryPayload
from scmhost.services import Services

from .claim import DELETED

MAX_PAGES: Final = 50
"""How many pages are cached for an organization."""


@dataclass(frozen=True, slots=True)
class ListedPage:
    """A page of repositories.

    Attributes:
        page: the page, without its repositories.
        answer: the repositories as JSON.
        calls: the providers' calls that shaped them. A reload of a plugin, or of its settings, makes new ones.
    """

    page: Page[None]
    answer: bytes
    calls: Mapping[str, ProviderCalls | None]

    def is_current(self, services: Services, organization: Organization) -> bool:
        """Return whether the same plugins would shape the page now. Flags may change at any time."""
        plugins = services.plugins
        return all(
            plugins.calls(key) is calls and plugins.idle_reason(key, organization) is None
            for key, calls in self.calls.items()
        )


Shaped = tuple[Page[Repository], Sequence[RepositoryPayload], bytes]
"""A page of repositories, their payloads, and the payloads as JSON."""


def listed_page(
    services: Services, organization: Organization, key: tuple[object, ...], read: Callable[[], Shaped]
) -> ListedPage:
    """Return the page of a request, whose parameters are its key. One that is not cached is read first."""
    # Before the repositories are read: those in the cache must be as new as it is.
    rows = services.store.caches.of(organization, services.clock.now())
    cached: ListedPage | None = rows.peek("repository page", key)
    if cached and cached.is_current(services, organization):
        return cached
    found, payloads, answer = read()
    keys = {repository.provider for repository in found.items if repository.provider is not None}
    listed = ListedPage(found.showing(()), answer, {name: services.plugins.calls(name) for name in sorted(keys)})
    # The reason why a provider is off, or failed, may end at any time.
    if all(payload.idle in (None, DELETED) for payload in payloads):
        rows.keep("repository page", key, listed, most=MAX_PAGES)
    return listed
