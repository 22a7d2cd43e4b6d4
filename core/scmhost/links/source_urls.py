"""From the URL of a file's page, as a person pastes it, to the roots of a code mapping."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from scmhost.infra.paging import PageRequest
from scmhost.installations import queries as installation_queries
from scmhost.installations.install import InvalidForm, calls_for, refusals
from scmhost.mapping import DerivedRoots, FrameInfo, NoRoots, derive_roots
from scmhost.plugins import ProviderCalls
from scmhost.repositories import queries as repository_queries
from scmhost.repositories.manage import address_of
from scmhost.sdk import Feature, Installation, Organization, Repository, safe_url
from scmhost.services import Services

from . import queries
from .page_reading import PageLocation, enclosing_urls, file_name_of, read_page

_SCHEMES: Final = ("https://", "http://")
_ENDS: Final = ("", "/", ".git")

_WHY_NOT: Final[Mapping[NoRoots, str]] = {
    NoRoots.UNSUPPORTED_FRAME: "This is no path of a source file; give the path as the stack frame has it.",
    NoRoots.NEEDS_EXTENSION: "The path needs a file extension.",
    NoRoots.MISSING_MODULE_OR_ABS_PATH: "Frames of this platform need module and absPath.",
    NoRoots.NOT_A_JAVA_PACKAGE: "The module has no package, so that no path can be made of it.",
    NoRoots.NO_COMMON_ROOT: "This path and the source code URL have no end in common.",
}


@dataclass(frozen=True, slots=True)
class ParsedSource:
    """What a page and a frame tell together: all that a code mapping needs."""

    installation: Installation
    repository: Repository
    roots: DerivedRoots
    branch: str


def parse_source_url(services: Services, organization: Organization, url: str, frame: FrameInfo) -> ParsedSource:
    """The roots between a frame and the file that a page shows.

    Raises:
        InvalidForm: the URL or the frame's path tells none. What is said of the URL is what Sentry's clients know.
    """
    _check(url, frame.filename or "")
    repository, installation = _find(services, organization, url)
    location = _read(services, organization, installation, repository, url)
    roots = derive_roots(frame, location.path)
    if isinstance(roots, NoRoots):
        raise InvalidForm({"stackPath": [_WHY_NOT[roots]]})
    return ParsedSource(installation, repository, roots, location.ref)


def _check(url: str, stack_path: str) -> None:
    if not safe_url(url):
        raise _wrong("Enter a valid URL.")
    if file_name_of(url) != re.split(r"[\\/]", stack_path)[-1]:
        raise _wrong("Source code URL points to a different file than the stack trace")


def _find(services: Services, organization: Organization, url: str) -> tuple[Repository, Installation]:
    """The claimed repository whose URL is the longest one above the page, and its installation."""
    above = enclosing_urls(url)
    with services.store.read() as tx:
        listed = repository_queries.claimed_at(tx, organization.id, _spelled(above))
        known = installation_queries.get_many(tx, organization.id, {item.installation_id or 0 for item in listed})
    usable = {
        key: item.installation for key, item in known.items() if _links(services, organization, item.installation)
    }
    found = [item for item in listed if item.installation_id in usable]
    if not found:
        is_known = _is_of_an_installation(services, organization, above)
        raise _wrong("Could not find repo" if is_known else "Could not find integration")
    best = max(found, key=lambda item: len(address_of(item.url or "")))
    return best, usable[best.installation_id or 0]


def _is_of_an_installation(services: Services, organization: Organization, above: Sequence[str]) -> bool:
    """Whether the page is below an installation's address; one that tells none is where its repositories are."""
    host = [f"{scheme}{_bare(above[-1])}/" for scheme in _SCHEMES]
    addresses = {address_of(url) for url in above}
    with services.store.read() as tx:
        here = repository_queries.installations_below(tx, organization.id, host)
        listed = installation_queries.page(tx, organization.id, PageRequest(), None).items
    return any(
        address_of(_with_scheme(str(address))) in addresses if address else item.installation.id in here
        for item in listed
        for address in [item.installation.metadata.get("domain_name")]
        if _links(services, organization, item.installation)
    )


def _links(services: Services, organization: Organization, installation: Installation) -> bool:
    """Whether the provider is on for the organization and links stack frames."""
    provider = services.plugins.provider(installation.provider)
    is_on = services.plugins.decide(installation.provider, organization).on
    return is_on and provider is not None and Feature.STACKTRACE_LINK in provider.features


def _read(
    services: Services, organization: Organization, installation: Installation, repository: Repository, url: str
) -> PageLocation:
    """The page's ref and path: as the provider's plugin reads its own pages, else as most hosts write theirs."""
    calls = calls_for(services, installation.provider, organization)
    with services.store.read() as tx:
        branches = queries.branches(tx, organization.id, repository.id)
    found = _read_by_plugin(calls, installation, repository, url, branches)
    found = found or read_page(url, _above(url, repository), branches)
    if found is None:
        raise _wrong("Source code URL is no page of a file at a branch, a tag or a commit")
    return found


def _read_by_plugin(
    calls: ProviderCalls, installation: Installation, repository: Repository, url: str, branches: Collection[str]
) -> PageLocation | None:
    """What the plugin finds most likely, and of that the first at a ref that is known, if there is one.

    Known are the branches of code mappings, else those that the provider says there are.
    """
    with refusals():
        candidates = calls.read_source_url(installation, url, [repository])
        mine = [item.location for item in candidates if item.repository_id == repository.id and item.location.path]
        known = [location for location in mine if location.ref in branches]
        if not known and len(mine) > 1:
            known = [location for location in mine if calls.resolve_ref(installation, repository, location.ref)]
    best = next(iter(known or mine), None)
    return PageLocation(best.ref, best.path) if best else None


def _above(url: str, repository: Repository) -> str:
    """The repository's URL as the page spells it."""
    mine = address_of(repository.url or "")
    return next(above for above in enclosing_urls(url) if address_of(above) == mine)


def _spelled(above: Sequence[str]) -> list[str]:
    """The ways to write the URLs of repositories."""
    return [f"{scheme}{_bare(url)}{end}" for url in above for scheme in _SCHEMES for end in _ENDS]


def _bare(url: str) -> str:
    """A URL as it is compared in the database: without its scheme and in lower case."""
    return url.lower().partition("://")[2]


def _with_scheme(address: str) -> str:
    """An installation's address, which people write without a scheme, too."""
    return address if "://" in address else f"https://{address}"


def _wrong(problem: str) -> InvalidForm:
    return InvalidForm({"sourceUrl": [problem]})
