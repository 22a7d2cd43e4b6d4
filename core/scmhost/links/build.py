"""Build the link of a mapped path: installation, provider, ref, page and file check."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

import structlog

from scmhost.mapping import FileStatus
from scmhost.plugins import PluginFault, ProviderCalls
from scmhost.repositories.pages import PageCache, RequestPages
from scmhost.sdk import (
    Existence,
    Installation,
    Location,
    NoUrl,
    Organization,
    ProviderError,
    ProviderForbidden,
    ProviderUnavailable,
    Reason,
    Repository,
    RepositoryStatus,
    safe_url,
)
from scmhost.services import Services

from .caches import SILENCE, Question, Silences
from .lines import usable_line
from .outcome import Link, LinkBasis, NoLink, file_basis, no_link, ref_basis
from .ref_order import ChosenRef, choose_ref
from .values import CodeMapping

T = TypeVar("T")

LONGEST_PATH: Final = 4_096
"""How many characters the path of a ``Location`` may have."""

log = structlog.get_logger(__name__)


class Lookups:
    """Asks, and keeps the answers. A repository whose provider cannot answer is not asked about again.

    Answers make links better; for want of one, none is lost. So a provider that hangs costs a request its budget once,
    not for each frame, and the requests of the next seconds nothing.
    """

    def __init__(self, services: Services) -> None:
        self._clock = services.clock
        self._silences = services.shared(Silences)
        self._files_left = services.limits.file_checks_per_request
        self._existence: dict[tuple[int, str, str], Existence] = {}
        self._branches: dict[int, ChosenRef | None] = {}
        self._silent: set[int] = set()

    def file_exists(
        self, calls: ProviderCalls, installation: Installation, repository: Repository, at: ChosenRef, path: str
    ) -> Existence:
        """Whether a file exists at a ref.

        Raises:
            ProviderForbidden: access is refused.
        """
        if len(path) > LONGEST_PATH or not calls.has("scm_file_exists"):
            return Existence.UNKNOWN
        key = (repository.id, f"{at.kind}:{at.ref}", path)
        if key not in self._existence:
            if not self._files_left:
                return Existence.UNKNOWN
            self._files_left -= 1
            location = Location(ref=at.ref, ref_kind=at.kind, path=path)
            ask = partial(calls.file_exists, installation, repository, location)
            answer = self._asked(calls, Question("scm_file_exists", installation.id, repository.id), ask)
            self._existence[key] = answer or Existence.UNKNOWN
        return self._existence[key]

    def default_branch(
        self, calls: ProviderCalls, installation: Installation, repository: Repository
    ) -> ChosenRef | None:
        """The branch that the provider names, for a code mapping that names none.

        Raises:
            ProviderForbidden: access is refused.
        """
        if repository.id not in self._branches:
            ask = partial(calls.resolve_ref, installation, repository, None)
            found = self._asked(calls, Question("scm_resolve_ref", installation.id, repository.id), ask)
            self._branches[repository.id] = choose_ref(None, None, found.name) if found else None
        return self._branches[repository.id]

    def _asked(self, calls: ProviderCalls, question: Question, ask: Callable[[], T]) -> T | None:
        if question.repository in self._silent or self._silences.rests(question, self._clock.now()):
            return None
        try:
            answer = ask()
        except ProviderForbidden:
            raise
        except (PluginFault, ProviderError) as error:
            self._silent.add(question.repository)
            self._no_answer(calls, question, error)
            return None
        self._silences.end(question)
        return answer

    def _no_answer(self, calls: ProviderCalls, question: Question, error: PluginFault | ProviderError) -> None:
        """Let the question rest, if the next request would wait in vain too, and say so."""
        if isinstance(error, PluginFault) and error.kind == "suspended":
            # That costs nobody any time, and was logged when it began.
            return
        rests = isinstance(error, PluginFault | ProviderUnavailable)
        if rests:
            self._silences.begin(question, self._clock.now())
        log.warning(
            "link not verified",
            plugin=calls.plugin,
            hook=question.hook,
            provider=calls.provider.key,
            installation=question.installation,
            repository=question.repository,
            rests_seconds=SILENCE.seconds if rests else 0,
            error=str(error),
        )


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
    standing: FileStatus = FileStatus.UNKNOWN
    newest_commit: str | None = None


class LinkBuilder:
    """Builds the links of one request.

    A provider is asked once for each file, as far as it can be for more, and for no more files than a request may.
    """

    def __init__(self, services: Services, organization: Organization) -> None:
        self._plugins = services.plugins
        self._organization = organization
        self._pages = RequestPages(services.shared(PageCache))
        self._lookups = Lookups(services)

    def build(self, place: Place) -> Link | NoLink:
        """The link, or why there is none. A plugin's fault is a reason like any other, and is logged."""
        try:
            return self._doubt(place) or self._build(place)
        except PluginFault as fault:
            log.warning(
                "link not built",
                plugin=fault.plugin,
                hook=fault.hook,
                error=str(fault),
                repository=place.repository.id,
            )
            return self._no(place, Reason.PROVIDER_FAILED, str(fault))
        except ProviderForbidden as error:
            return self._no(place, Reason.FORBIDDEN, str(error))
        except ProviderError as error:
            return self._no(place, Reason.PROVIDER_FAILED, str(error))

    def _doubt(self, place: Place) -> NoLink | None:
        """Why the path is none of a file, whatever its repository is."""
        if place.mapping.catches_all and place.standing is not FileStatus.LISTED:
            return self._no(place, Reason.FILE_NOT_FOUND, "No commit that is known has this file.")
        return None

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
        ref = ref or self._lookups.default_branch(calls, place.installation, place.repository)
        ref = ref or choose_ref(None, None, None, place.newest_commit)
        if ref is None:
            return self._no(place, Reason.NO_REF)
        return self._link(calls, place.installation, place, ref)

    def _link(self, calls: ProviderCalls, installation: Installation, place: Place, ref: ChosenRef) -> Link | NoLink:
        url = self._url(calls, installation, place, ref)
        if isinstance(url, NoUrl):
            return self._no(place, url.reason, url.message)
        exists = self._lookups.file_exists(calls, installation, place.repository, ref, place.path)
        if exists is Existence.NO:
            return self._no(place, Reason.FILE_NOT_FOUND, attempted_url=url)
        return Link(
            url=url,
            source_path=place.path,
            mapping_id=place.mapping.id,
            ref=ref.ref,
            ref_kind=ref.kind,
            ref_source=ref.source,
            basis=_basis(place, exists, ref),
            verified=True if exists is Existence.YES else None,
        )

    def _url(self, calls: ProviderCalls, installation: Installation, place: Place, ref: ChosenRef) -> str | NoUrl:
        links = self._pages.of(calls, installation, place.repository).at(ref.ref, ref.kind)
        if isinstance(links, NoUrl):
            return links
        if links is not None:
            return links.url(place.path, usable_line(place.line))
        if len(place.path) > LONGEST_PATH:
            return NoUrl(message=f"The path has more than {LONGEST_PATH} characters.")
        url = calls.source_url(installation, place.repository, _location(place, ref))
        if isinstance(url, str) and not safe_url(url):
            return NoUrl(reason=Reason.UNSAFE_URL, message="The provider's URL is no safe http or https link.")
        return url

    def _no(self, place: Place, reason: Reason, message: str = "", attempted_url: str | None = None) -> NoLink:
        return no_link(
            reason,
            message,
            attempted_url=attempted_url,
            source_path=place.path,
            mapping_id=place.mapping.id,
        )


def _basis(place: Place, exists: Existence, ref: ChosenRef) -> LinkBasis:
    return LinkBasis(
        file=file_basis(exists, place.standing.value),
        mapping="derived" if place.mapping.generated else "person",
        ref=ref_basis(ref),
        derivation=place.mapping.confidence,
    )


def _location(place: Place, ref: ChosenRef) -> Location:
    return Location(ref=ref.ref, ref_kind=ref.kind, path=place.path, line=usable_line(place.line))
