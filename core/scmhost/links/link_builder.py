"""Build the link of a mapped frame: installation, provider, ref, URL and file check."""

from dataclasses import dataclass
from typing import Final

import structlog

from scmhost.mapping import FileStatus
from scmhost.plugins import PluginFault, ProviderCalls
from scmhost.plugins.isolation.faults import safe_text
from scmhost.repositories.pages import PageCache, RequestPages
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
from scmhost.services import Services

from .outcome import ChosenRef, Link, LinkBasis, NoLink, choose_ref, file_basis, no_link, ref_basis
from .provider_questions import MAX_PATH, ProviderQuestions
from .values import CodeMapping, encodable

MAX_LINE: Final = 10_000_000

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LinkTarget:
    """The file that a code mapping gives for a frame, with what the database has about it.

    Attributes:
        mapping: the code mapping.
        repository: the mapping's repository.
        installation: the repository's installation, if it has one.
        path: the path of the file in the repository.
        line: the line that the frame has.
        frame_commit: the commit of the process that printed the frame.
        release_commit: the commit of the frame's release in this repository.
        file_status: the status of the file according to the known commits.
        newest_commit: the newest known commit that named the file, unless it deleted it.
    """

    mapping: CodeMapping
    repository: Repository
    installation: Installation | None
    path: str
    line: int | None
    frame_commit: str | None
    release_commit: str | None
    file_status: FileStatus = FileStatus.UNKNOWN
    newest_commit: str | None = None

    def no_link(self, reason: Reason, message: str = "", attempted_url: str | None = None) -> NoLink:
        """Return a missing link with this target's path and mapping."""
        return no_link(reason, message, attempted_url=attempted_url, source_path=self.path, mapping_id=self.mapping.id)


class LinkBuilder:
    """Builds the links of one request."""

    def __init__(self, services: Services, organization: Organization) -> None:
        self._plugins = services.plugins
        self._organization = organization
        self._pages = RequestPages(services.shared(PageCache))
        self._questions = ProviderQuestions(services)

    def build(self, target: LinkTarget) -> Link | NoLink:
        """Return the link, or the reason why there is none. A plugin's fault is such a reason, and is logged."""
        if target.mapping.catches_all and target.file_status is not FileStatus.LISTED:
            return target.no_link(Reason.FILE_NOT_FOUND, "No commit that is known has this file.")
        try:
            return self._build(target)
        except PluginFault as fault:
            log.warning(
                "link not built",
                plugin=fault.plugin,
                hook=fault.hook,
                error=str(fault),
                repository=target.repository.id,
            )
            return target.no_link(Reason.PROVIDER_FAILED, str(fault))
        except ProviderForbidden as error:
            return target.no_link(Reason.FORBIDDEN, str(error))
        except ProviderError as error:
            return target.no_link(Reason.PROVIDER_FAILED, str(error))

    def _build(self, target: LinkTarget) -> Link | NoLink:
        if target.repository.status is not RepositoryStatus.ACTIVE:
            return target.no_link(Reason.REPOSITORY_INACTIVE)
        if target.installation is None:
            return target.no_link(Reason.INSTALLATION_NOT_FOUND)
        decision = self._plugins.decide(target.installation.provider, self._organization)
        calls = self._plugins.calls(target.installation.provider)
        if not decision.on or calls is None:
            return target.no_link(Reason.PROVIDER_OFF, decision.reason)
        ref = choose_ref(target.frame_commit, target.release_commit, target.mapping.default_branch)
        ref = ref or self._questions.default_branch(calls, target.installation, target.repository)
        ref = ref or choose_ref(None, None, None, target.newest_commit)
        if ref is None:
            return target.no_link(Reason.NO_REF)
        return self._link(calls, target.installation, target, ref)

    def _link(
        self, calls: ProviderCalls, installation: Installation, target: LinkTarget, ref: ChosenRef
    ) -> Link | NoLink:
        url = self._url(calls, installation, target, ref)
        if isinstance(url, NoUrl):
            return target.no_link(url.reason, safe_text(url.message))
        exists = self._questions.file_exists(calls, installation, target.repository, ref, target.path)
        if exists is Existence.NO:
            return target.no_link(Reason.FILE_NOT_FOUND, attempted_url=url)
        return Link(
            url=url,
            source_path=target.path,
            mapping_id=target.mapping.id,
            ref=ref.ref,
            ref_kind=ref.kind,
            ref_source=ref.source,
            basis=LinkBasis(
                file=file_basis(exists, target.file_status),
                mapping="derived" if target.mapping.generated else "person",
                ref=ref_basis(ref),
                derivation=target.mapping.confidence,
            ),
            verified=True if exists is Existence.YES else None,
        )

    def _url(self, calls: ProviderCalls, installation: Installation, target: LinkTarget, ref: ChosenRef) -> str | NoUrl:
        line = usable_line(target.line)
        links = self._pages.of(calls, installation, target.repository).at(ref.ref, ref.kind)
        if isinstance(links, NoUrl):
            return links
        if links is not None:
            return _checked(links.url(target.path, line))
        if len(target.path) > MAX_PATH:
            return NoUrl(message=f"The path has more than {MAX_PATH} characters.")
        if encodable(target.path) != target.path:
            return NoUrl(reason=Reason.NOT_A_FILE, message="The path has half a character (a lone surrogate).")
        location = Location(ref=ref.ref, ref_kind=ref.kind, path=target.path, line=line)
        url = calls.source_url(installation, target.repository, location)
        if isinstance(url, str) and not safe_url(url):
            return NoUrl(reason=Reason.UNSAFE_URL, message="The provider's URL is not a safe http or https link.")
        return _checked(url)


def usable_line(line: int | None) -> int | None:
    """Return the line, or None if no file has it: runtimes print 0 and -1 for an unknown line."""
    return line if line is not None and 1 <= line <= MAX_LINE else None


def _checked(url: str | NoUrl) -> str | NoUrl:
    """Return the URL, unless UTF-8 cannot encode it: the answer, and not only this link, would be lost."""
    if isinstance(url, str) and encodable(url) != url:
        return NoUrl(reason=Reason.UNSAFE_URL, message="The provider's URL has half a character (a lone surrogate).")
    return url
