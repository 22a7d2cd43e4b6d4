"""Build the link of a mapped frame: ref, page, and what the code host answers about the file."""

from typing import Final, NamedTuple

import structlog
from msgspec import Struct

from scmhost.mapping import FileStatus
from scmhost.plugins import PluginFault, ProviderCalls
from scmhost.plugins.isolation.faults import safe_text
from scmhost.repositories.deleted_file_queries import Deletion
from scmhost.repositories.template_cache import RequestTemplates, TemplateCache
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
from scmhost.sdk.urls.ref_links import RefLinks
from scmhost.services import Services

from .host_questions import MAX_PATH, ProviderQuestions
from .values import (
    ChosenRef,
    CodeMapping,
    Link,
    LinkBasis,
    NoLink,
    choose_ref,
    encodable,
    link_basis,
    no_link,
    usable_line,
)

log = structlog.get_logger(__name__)

# Until Python 3.12 each lookup of an enum's member calls a function, and these are needed for each link.
_YES: Final = Existence.YES
_NO: Final = Existence.NO
_UNKNOWN: Final = Existence.UNKNOWN
_LISTED: Final = FileStatus.LISTED


class LinkTarget(Struct, frozen=True, gc=False):
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
        deletion: the deletion of the file before the frame's or the release's commit.
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
    deletion: Deletion | None = None

    def no_link(self, reason: Reason, message: str = "", attempted_url: str | None = None) -> NoLink:
        """Return a missing link with this target's path and mapping."""
        return no_link(reason, message, attempted_url=attempted_url, source_path=self.path, mapping_id=self.mapping.id)


class LinkParts(NamedTuple):
    """What the links of a mapping at a commit have in common.

    Attributes:
        calls: the provider's hooks.
        installation: the repository's installation.
        ref: the ref that the links lead to.
        bases: the bases of the links so far, by whether the code host has the file, and the status of the file.
        pages: the pages at this ref; None when the plugin has no templates and builds each URL.
        asks_host: whether the plugin has a hook that asks the code host.
    """

    calls: ProviderCalls
    installation: Installation
    ref: ChosenRef
    bases: dict[tuple[bool, FileStatus], LinkBasis]
    pages: RefLinks | NoUrl | None
    asks_host: bool


class LinkBuilder:
    """Builds the links of one request."""

    def __init__(self, services: Services, organization: Organization) -> None:
        self._plugins = services.plugins
        self._organization = organization
        self._pages = RequestTemplates(services.shared(TemplateCache))
        self._questions = ProviderQuestions(services)
        self._parts: dict[tuple[int, str | None, str | None], LinkParts] = {}

    def build(self, target: LinkTarget) -> Link | NoLink:
        """Return the link, or the reason why there is none. A plugin's fault is such a reason, and is logged."""
        # Such a mapping matches every relative path, also those of libraries.
        if target.file_status is not _LISTED and target.mapping.catches_all:
            return target.no_link(Reason.FILE_NOT_FOUND, "No commit that is known has this file.")
        key = (target.mapping.id, target.frame_commit, target.release_commit)
        try:
            parts = self._parts.get(key)
            if parts is None:
                found = self._find_parts(target)
                if isinstance(found, NoLink):
                    return found
                parts = found
                # A plugin that asks its code host may take long; an operator may turn it off meanwhile. And the newest
                # commit is another one for each file.
                if not parts.asks_host and parts.ref.source != "newest_commit":
                    self._parts[key] = parts
            return self._link(parts, target)
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

    def _find_parts(self, target: LinkTarget) -> LinkParts | NoLink:
        if target.repository.status is not RepositoryStatus.ACTIVE:
            return target.no_link(Reason.REPOSITORY_INACTIVE)
        installation = target.installation
        if installation is None:
            return target.no_link(Reason.INSTALLATION_NOT_FOUND)
        decision = self._plugins.decide(installation.provider, self._organization)
        calls = self._plugins.calls(installation.provider)
        if not decision.on or calls is None:
            return target.no_link(Reason.PROVIDER_OFF, decision.public_reason)
        ref = choose_ref(target.frame_commit, target.release_commit, target.mapping.default_branch)
        # Only if there is no other ref, because the answer costs a request to the code host.
        ref = ref or self._questions.default_branch(calls, installation, target.repository)
        ref = ref or choose_ref(None, None, None, target.newest_commit)
        if ref is None:
            return target.no_link(Reason.NO_REF)
        # Templates are read once per repository and ref; a hook call for each frame would dominate the cost.
        pages = self._pages.of(calls, installation, target.repository).at(ref.ref, ref.kind)
        asks_host = calls.has("scm_file_exists") or calls.has("scm_resolve_ref")
        return LinkParts(calls, installation, ref, {}, pages, asks_host)

    def _link(self, parts: LinkParts, target: LinkTarget) -> Link | NoLink:
        calls, installation, ref, bases, pages, asks_host = parts
        if pages is None:
            url = page_by_hook(calls, installation, target.repository, ref, target.path, target.line)
        else:
            # Templates leave out a line that no file has.
            url = pages.url(target.path, target.line) if isinstance(pages, RefLinks) else pages
        if not isinstance(url, str) or not (url.isascii() or encodable(url) == url):
            refused = _UNENCODABLE if isinstance(url, str) else url
            return target.no_link(refused.reason, safe_text(refused.message))
        # After the URL: a page that cannot be built needs no request to the code host.
        exists = _UNKNOWN
        if asks_host:
            exists = self._questions.file_exists(calls, installation, target.repository, ref, target.path)
        # The host's answer comes first, because dates do not order the commits of branches.
        deleted = target.deletion and exists is _UNKNOWN and ref.ref in target.deletion.later
        if deleted or exists is _NO:
            return target.no_link(Reason.FILE_NOT_FOUND, _deleted(target.deletion), attempted_url=url)
        verified = exists is _YES
        basis = bases.get((verified, target.file_status))
        if basis is None:
            basis = link_basis(exists, target.file_status, target.mapping, ref)
            bases[verified, target.file_status] = basis
        # Null instead of false: no answer does not mean that the file is missing.
        return Link(url, target.path, target.mapping.id, ref.ref, ref.kind, ref.source, basis, verified or None)


def page_by_hook(
    calls: ProviderCalls,
    installation: Installation,
    repository: Repository,
    ref: ChosenRef,
    path: str,
    line: int | None,
) -> str | NoUrl:
    """Return the URL of a file from a plugin without templates.

    Raises:
        ProviderError: the plugin could not build it.
        PluginFault: the plugin is at fault.
    """
    # ``Location`` would refuse the path with an exception.
    if len(path) > MAX_PATH:
        return NoUrl(message=f"The path has more than {MAX_PATH} characters.")
    if encodable(path) != path:
        return NoUrl(reason=Reason.NOT_A_FILE, message="The path has half a character (a lone surrogate).")
    location = Location(ref=ref.ref, ref_kind=ref.kind, path=path, line=usable_line(line))
    url = calls.source_url(installation, repository, location)
    if isinstance(url, str) and not safe_url(url):
        return NoUrl(reason=Reason.UNSAFE_URL, message="The provider's URL is not a safe http or https link.")
    return url


def _deleted(deletion: Deletion | None) -> str:
    """Return which commit deleted or renamed a file, as a sentence, or an empty text if none is known."""
    if deletion is None:
        return ""
    commit = encodable(deletion.sha[:12])
    if deletion.new_path is None:
        return f"Commit {commit} deleted the file, and no later one that is known added it again."
    return f"Commit {commit} renamed the file to {encodable(deletion.new_path)}."


# UTF-8 cannot encode such a URL: the answer, and not only this link, would be lost.
_UNENCODABLE: Final = NoUrl(
    reason=Reason.UNSAFE_URL, message="The provider's URL has half a character (a lone surrogate)."
)
