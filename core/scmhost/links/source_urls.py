"""Read the URL of a file's page, as a person pastes it, and derive the roots of a code mapping from it.

The plugin of the provider reads its own pages. Pages that it does not read are read in the forms that most hosts share.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit

from scmhost.infra.db.engine import Transaction
from scmhost.infra.paging import PageQuery
from scmhost.installations import queries as installation_queries
from scmhost.installations.install import InvalidForm
from scmhost.mapping import DerivedRoots, FrameInfo, NoRoots, derive_roots
from scmhost.plugins import ProviderCalls
from scmhost.plugins.calls import refusals
from scmhost.repositories import alias_queries
from scmhost.repositories.alias_queries import address_of
from scmhost.sdk import (
    Feature,
    Installation,
    Organization,
    Pages,
    Repository,
    RepositoryStatus,
    read_own_url,
    safe_url,
)
from scmhost.services import Services

from . import queries

_SCHEMES: Final = ("https://", "http://")
_URL_ENDINGS: Final = ("", "/", ".git")
# The text between a repository's URL and a ref. Longer forms come first: src/branch/main, but also src/main.
_FORMS: Final = (
    *("-/blob", "-/tree", "-/blame", "-/raw"),
    *("src/branch", "src/commit", "src/tag"),
    *("blob", "tree", "blame", "raw", "src"),
)
# No known host nests repositories deeper than this.
_MAX_SEGMENTS: Final = 32
# They decide only which of two messages is shown.
_MAX_INSTALLATIONS: Final = 10_000

_NO_ROOTS: Final[Mapping[NoRoots, str]] = {
    NoRoots.UNSUPPORTED_FRAME: "This is no path of a source file; give the path as the stack frame has it.",
    NoRoots.NEEDS_EXTENSION: "The path needs a file extension.",
    NoRoots.MISSING_MODULE_OR_ABS_PATH: "Frames of this platform need module and absPath.",
    NoRoots.NOT_A_JAVA_PACKAGE: "The module has no package, so that no path can be made of it.",
    NoRoots.NO_COMMON_ROOT: "This path and the source code URL have no end in common.",
}


class PageLocation(NamedTuple):
    """The ref and the path that a page shows; no ref for the newest state of a host without branches."""

    ref: str | None
    path: str


@dataclass(frozen=True, slots=True)
class ParsedSource:
    """The fields of a code mapping that a page and a frame give together."""

    installation: Installation
    repository: Repository
    roots: DerivedRoots
    branch: str | None


def parse_source_url(services: Services, organization: Organization, url: str, frame: FrameInfo) -> ParsedSource:
    """Return the roots between a frame and the file that a page shows.

    Raises:
        InvalidForm: the URL or the frame's path gives none. The messages on URLs are those that Sentry's clients show.
    """
    if not safe_url(url):
        raise _invalid("Enter a valid URL.")
    # Checked before any query: the usual mistake is a page of another file.
    if file_name_of(url) != re.split(r"[\\/]", frame.filename or "")[-1]:
        raise _invalid("Source code URL points to a different file than the stack trace")
    repository, installation = _find_repository(services, organization, url)
    location = _locate(services, organization, installation, repository, url)
    roots = derive_roots(frame, location.path)
    if isinstance(roots, NoRoots):
        raise InvalidForm({"stackPath": [_NO_ROOTS[roots]]})
    return ParsedSource(installation, repository, roots, location.ref)


def read_page(url: str, repo_url: str, branches: Iterable[str] = ()) -> PageLocation | None:
    """Return the ref and path of a page of a repository, or None if the URL has no known form.

    A ref is one segment, unless it is one of the known branches.
    """
    locations = read_own_url(url, _pages(), repo_url, branches)
    return next((PageLocation(page.ref, page.path) for page in locations if page.ref and page.path), None)


def enclosing_urls(url: str) -> list[str]:
    """Return all URLs that may be the repository of a page, the longest first, in the page's spelling."""
    parts = urlsplit(url)
    segments = [f"{parts.scheme}://{parts.netloc}", *parts.path.strip("/").split("/")][: _MAX_SEGMENTS + 1]
    return ["/".join(segments[:count]) for count in range(len(segments), 0, -1)]


def file_name_of(url: str) -> str:
    """Return the name of the file that a page shows: its last segment."""
    return unquote(urlsplit(url).path.rpartition("/")[2])


def _find_repository(services: Services, organization: Organization, url: str) -> tuple[Repository, Installation]:
    """Return the claimed repository with the longest URL that encloses the page, and its installation."""
    enclosing = enclosing_urls(url)
    # Exact spellings can use the index on URLs; a pattern could not.
    spellings = [f"{scheme}{_bare(above)}{end}" for above in enclosing for scheme in _SCHEMES for end in _URL_ENDINGS]
    with services.store.read() as tx:
        listed = alias_queries.claimed_at(tx, organization.id, spellings)
        listed += _moved(tx, organization, enclosing, listed)
        stored = installation_queries.get_many(tx, organization.id, {item.installation_id or 0 for item in listed})
    usable = {
        id_: item.installation for id_, item in stored.items() if _can_link(services, organization, item.installation)
    }
    candidates = [item for item in listed if item.installation_id in usable]
    if not candidates:
        is_known = _has_installation(services, organization, enclosing)
        # Sentry has two messages: one leads to adding the repository, the other to installing the provider.
        raise _invalid("Could not find repo" if is_known else "Could not find integration")
    # A repository may lie below the path of another one, as nested groups of GitLab do.
    best = max(candidates, key=lambda item: len(address_of(item.url or "")))
    return best, usable[best.installation_id or 0]


def _moved(
    tx: Transaction, organization: Organization, enclosing: Sequence[str], listed: Sequence[Repository]
) -> list[Repository]:
    """Return the repositories whose URL enclosed the page before they moved, with that URL: the page is read by it."""
    current = {address_of(item.url or "") for item in listed}
    addresses = {address_of(above) for above in enclosing} - current
    old = alias_queries.at_addresses(tx, organization.id, addresses).values()
    return [
        repository.model_copy(update={"url": url})
        for repository, url in old
        if repository.installation_id is not None and repository.status is RepositoryStatus.ACTIVE
    ]


def _has_installation(services: Services, organization: Organization, enclosing: Sequence[str]) -> bool:
    """Return whether the page is below the address of an installation.

    The address of an installation without ``domain_name`` is the host of its repositories.
    """
    host = [f"{scheme}{_bare(enclosing[-1])}/" for scheme in _SCHEMES]
    addresses = {address_of(url) for url in enclosing}
    with services.store.read() as tx:
        on_this_host = alias_queries.installations_below(tx, organization.id, host)
        listed = installation_queries.page(tx, organization.id, PageQuery(size=_MAX_INSTALLATIONS), None).items
    for item in listed:
        if not _can_link(services, organization, item.installation):
            continue
        domain = item.installation.metadata.get("domain_name")
        if not domain:
            if item.installation.id in on_this_host:
                return True
        # People write the address without a scheme, too.
        elif address_of(str(domain) if "://" in str(domain) else f"https://{domain}") in addresses:
            return True
    return False


def _can_link(services: Services, organization: Organization, installation: Installation) -> bool:
    """Return whether the provider is on for the organization and links stack frames."""
    provider = services.plugins.provider(installation.provider)
    is_on = services.plugins.decide(installation.provider, organization).on
    return is_on and provider is not None and Feature.STACKTRACE_LINK in provider.features


def _locate(
    services: Services, organization: Organization, installation: Installation, repository: Repository, url: str
) -> PageLocation:
    """Return the page's ref and path, as the plugin reads them, or else in the forms that most hosts share."""
    calls = services.plugins.calls_for(installation.provider, organization)
    with services.store.read() as tx:
        branches = queries.branches(tx, organization.id, repository.id)
    location = _read_by_plugin(calls, installation, repository, url, branches)
    if location is None:
        address = address_of(repository.url or "")
        repo_url = next(above for above in enclosing_urls(url) if address_of(above) == address)
        location = read_page(url, repo_url, branches)
    if location is None:
        raise _invalid("Source code URL is no page of a file at a branch, a tag or a commit")
    return location


def _read_by_plugin(
    calls: ProviderCalls, installation: Installation, repository: Repository, url: str, branches: Collection[str]
) -> PageLocation | None:
    """Return the plugin's most likely location, preferably the most likely one at a known ref.

    A page without a revision shows the default branch, which the plugin names if it can.

    Refs are known from the branches of code mappings, or else from the provider.
    """
    with refusals():
        candidates = calls.read_source_url(installation, url, [repository])
        locations = [item.location for item in candidates if item.repository_id == repository.id and item.location.path]
        known = [location for location in locations if location.ref in branches]
        # One candidate needs no confirmation; several mean that the ref may have slashes.
        if not known and len(locations) > 1:
            known = [
                item
                for item in locations
                if item.ref is not None and calls.resolve_ref(installation, repository, item.ref)
            ]
        best = next(iter(known or locations), None)
        if best is None:
            return None
        ref = best.ref or _default_ref(calls, installation, repository, branches)
    return PageLocation(ref, best.path)


def _default_ref(
    calls: ProviderCalls, installation: Installation, repository: Repository, branches: Collection[str]
) -> str | None:
    """Return the default branch of a repository: the provider's, else the only one of its code mappings.

    It is None where the newest commit has no name, as in Perforce: a code mapping without a branch links to the newest.
    """
    resolved = calls.resolve_ref(installation, repository, None)
    if resolved is not None:
        return None if resolved.kind == "commit" else resolved.name
    if len(branches) == 1:
        return next(iter(branches))
    raise _invalid("Source code URL has no revision; paste the page at a branch, a tag or a commit")


@cache
def _pages() -> Pages:
    # Built on first use: parsing templates costs more than the import of the room.
    first, *others = (f"{{repo_url}}/{form}/{{ref}}/{{path}}" for form in _FORMS)
    return Pages(view=first, also=tuple(others), strip_git_suffix=False)


def _bare(url: str) -> str:
    """Return a URL as it is compared in the database: without its scheme and in lower case."""
    return url.lower().partition("://")[2]


def _invalid(problem: str) -> InvalidForm:
    return InvalidForm({"sourceUrl": [problem]})
