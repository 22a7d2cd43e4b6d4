"""From a mapped path to a link: repository, installation, provider, ref, page, file."""

from dataclasses import dataclass

import structlog

from scmhost.host import PluginFault, ProviderCalls
from scmhost.links import ChosenRef, Link, NoLink, choose_ref, no_link, usable_line
from scmhost.sdk import (
    Existence,
    Installation,
    Location,
    NoUrl,
    Organization,
    ProviderError,
    ProviderForbidden,
    Reason,
    Repository,
    RepositoryStatus,
    safe_url,
)
from scmhost.store.values import CodeMapping

from .page_cache import RequestPages
from .services import Services

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Place:
    """A mapped frame and all that is known about where it leads."""

    mapping: CodeMapping
    repository: Repository
    installation: Installation | None
    path: str
    line: int | None
    frame_commit: str | None
    release_commit: str | None


class LinkBuilder:
    """Builds the links of one request. A provider is asked once per repository, where it hands over templates."""

    def __init__(self, services: Services, organization: Organization) -> None:
        self._plugins = services.plugins
        self._organization = organization
        self._pages = RequestPages(services.pages)

    def build(self, place: Place) -> Link | NoLink:
        """The link, or why there is none. A plugin's fault is a reason like any other, and is logged."""
        try:
            return self._build(place)
        except PluginFault as fault:
            log.warning("link not built", error=str(fault), repository=place.repository.id)
            return self._no(place, Reason.PROVIDER_FAILED, str(fault))
        except ProviderForbidden as error:
            return self._no(place, Reason.FORBIDDEN, str(error))
        except ProviderError as error:
            return self._no(place, Reason.PROVIDER_FAILED, str(error))

    def _build(self, place: Place) -> Link | NoLink:
        if place.repository.status is not RepositoryStatus.ACTIVE:
            return self._no(place, Reason.REPOSITORY_INACTIVE)
        if place.installation is None:
            return self._no(place, Reason.INSTALLATION_NOT_FOUND)
        switch = self._plugins.decide(place.installation.provider, self._organization)
        calls = self._plugins.calls(place.installation.provider)
        if not switch.on or calls is None:
            return self._no(place, Reason.PROVIDER_OFF, switch.reason)
        ref = choose_ref(place.frame_commit, place.release_commit, place.mapping.default_branch)
        if ref is None:
            return self._no(place, Reason.NO_REF)
        return self._link(calls, place.installation, place, ref)

    def _link(self, calls: ProviderCalls, installation: Installation, place: Place, ref: ChosenRef) -> Link | NoLink:
        url = self._url(calls, installation, place, ref)
        if isinstance(url, NoUrl):
            return self._no(place, url.reason, url.message)
        exists = self._exists(calls, installation, place, ref)
        if exists is Existence.NO:
            return self._no(place, Reason.FILE_NOT_FOUND, attempted_url=url)
        return Link(
            url=url,
            source_path=place.path,
            mapping_id=place.mapping.id,
            ref=ref.ref,
            ref_kind=ref.kind,
            ref_source=ref.source,
            verified=True if exists is Existence.YES else None,
        )

    def _url(self, calls: ProviderCalls, installation: Installation, place: Place, ref: ChosenRef) -> str | NoUrl:
        links = self._pages.of(calls, installation, place.repository).at(ref)
        if isinstance(links, NoUrl):
            return links
        if links is not None:
            return links.url(place.path, usable_line(place.line))
        url = calls.source_url(installation, place.repository, _location(place, ref))
        if isinstance(url, str) and not safe_url(url):
            return NoUrl(reason=Reason.UNSAFE_URL, message="The provider's URL is no safe http or https link.")
        return url

    def _exists(self, calls: ProviderCalls, installation: Installation, place: Place, ref: ChosenRef) -> Existence:
        if not calls.has("scm_file_exists"):
            return Existence.UNKNOWN
        try:
            return calls.file_exists(installation, place.repository, _location(place, ref))
        except PluginFault as fault:
            # The page is known; only whether it shows something is not.
            log.warning("link not verified", error=str(fault), repository=place.repository.id)
            return Existence.UNKNOWN

    def _no(self, place: Place, reason: Reason, message: str = "", attempted_url: str | None = None) -> NoLink:
        return no_link(
            reason,
            message,
            attempted_url=attempted_url,
            source_path=place.path,
            mapping_id=place.mapping.id,
        )


def _location(place: Place, ref: ChosenRef) -> Location:
    return Location(ref=ref.ref, ref_kind=ref.kind, path=place.path, line=usable_line(place.line))
