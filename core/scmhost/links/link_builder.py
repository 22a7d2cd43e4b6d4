"""Build the link of a mapped frame: ref, page, and what the code host answers about the file.

Answers of code hosts make links better, but no link is lost without them. After a failure, a provider is not called for
some seconds: a hanging one delays one request, and not the next ones.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from threading import Lock
from typing import Final, TypeVar

import structlog
from cachetools import FIFOCache

from scmhost.mapping import FileStatus
from scmhost.plugins import PluginFault, ProviderCalls
from scmhost.plugins.isolation.faults import safe_text
from scmhost.repositories.deletion_queries import Deletion
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

from .values import (
    ChosenRef,
    CodeMapping,
    Link,
    LinkBasis,
    NoLink,
    choose_ref,
    encodable,
    file_basis,
    no_link,
    ref_basis,
)

T = TypeVar("T")

MAX_PATH: Final = 4_096
"""The most characters that the path of a ``Location`` may have."""

NEGATIVE_TTL: Final = timedelta(seconds=10)
MAX_NEGATIVE_ENTRIES: Final = 4_096

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class HookTarget:
    """A hook, and the installation and the repository that it is called for."""

    hook: str
    installation: int
    repository: int

    @property
    def keys(self) -> tuple[tuple[str, int, int | None], tuple[str, int, int | None]]:
        """The keys of the repository alone, and of the whole installation."""
        return (self.hook, self.installation, self.repository), (self.hook, self.installation, None)


class NegativeCache:
    """The hook calls of this process that failed a short time ago; safe to use from many threads.

    A failure suppresses calls for its repository only, because the fault may be that repository's. When a second
    repository of the installation fails too, without a success in between, the whole installation is suppressed.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._failed_at: FIFOCache[tuple[str, int, int | None], datetime] = FIFOCache(MAX_NEGATIVE_ENTRIES)
        self._last_failed: FIFOCache[tuple[str, int], int] = FIFOCache(MAX_NEGATIVE_ENTRIES)

    def is_suppressed(self, target: HookTarget, now: datetime) -> bool:
        """Return whether the hook failed too short a time ago to be called now."""
        with self._lock:
            # Only dictionary look-ups are under the lock: every link of every thread passes here.
            failures = [self._failed_at.get(key) for key in target.keys]
        # A failure in the future comes from a clock that was set back. It must not suppress calls for longer.
        return any(failed is not None and failed <= now < failed + NEGATIVE_TTL for failed in failures)

    def add_failure(self, target: HookTarget, now: datetime) -> None:
        """Suppress calls for a repository, and for its installation if another repository failed before."""
        own, shared = target.keys
        with self._lock:
            # Without an earlier failure the repository itself is the default: one failure must not count as two.
            previous = self._last_failed.get(shared[:2], target.repository)
            self._last_failed[shared[:2]] = target.repository
            self._failed_at[own] = now
            if previous != target.repository:
                self._failed_at[shared] = now

    def add_success(self, target: HookTarget) -> None:
        """Note that the host answers. Calls that are already suppressed stay suppressed until their time is over."""
        # Most successes follow no failure, and need no lock to find that out.
        if (target.hook, target.installation) in self._last_failed:
            with self._lock:
                self._last_failed.pop((target.hook, target.installation), None)


class ProviderQuestions:
    """The questions of one request and their answers.

    Each question is sent once. After a failure, no more are sent about that repository in this request.
    """

    def __init__(self, services: Services) -> None:
        self._clock = services.clock
        self._negative_cache = services.shared(NegativeCache)
        self._checks_left = services.limits.file_checks_per_request
        self._existence: dict[tuple[int, str, str], Existence] = {}
        self._branches: dict[int, ChosenRef | None] = {}
        self._failed_repositories: set[int] = set()

    def file_exists(
        self, calls: ProviderCalls, installation: Installation, repository: Repository, ref: ChosenRef, path: str
    ) -> Existence:
        """Return whether a file exists at a ref; unknown if the provider has no such hook or may not be called.

        Raises:
            ProviderForbidden: the code host refuses access.
        """
        if len(path) > MAX_PATH or not calls.has("scm_file_exists"):
            return Existence.UNKNOWN
        # With the kind: a branch and a tag may have the same name.
        key = (repository.id, f"{ref.kind}:{ref.ref}", path)
        if key not in self._existence:
            # A trace may have hundreds of frames, and code hosts limit the requests of a client.
            if not self._checks_left:
                return Existence.UNKNOWN
            self._checks_left -= 1
            location = Location(ref=ref.ref, ref_kind=ref.kind, path=path)
            target = HookTarget("scm_file_exists", installation.id, repository.id)
            answer = self.ask(calls, target, partial(calls.file_exists, installation, repository, location))
            self._existence[key] = answer or Existence.UNKNOWN
        return self._existence[key]

    def default_branch(
        self, calls: ProviderCalls, installation: Installation, repository: Repository
    ) -> ChosenRef | None:
        """Return the repository's default branch on the code host, or None if it is not known.

        Raises:
            ProviderForbidden: the code host refuses access.
        """
        # Requested once: most frames of a trace are in one repository.
        if repository.id not in self._branches:
            target = HookTarget("scm_resolve_ref", installation.id, repository.id)
            resolved = self.ask(calls, target, partial(calls.resolve_ref, installation, repository, None))
            branch = choose_ref(None, None, resolved.name) if resolved else None
            # A host without branches has only its newest commit.
            if branch and resolved and resolved.kind == "commit":
                branch = replace(branch, kind="commit")
            self._branches[repository.id] = branch
        return self._branches[repository.id]

    def ask(self, calls: ProviderCalls, target: HookTarget, call: Callable[[], T]) -> T | None:
        """Return the answer of a hook; None if it fails, or failed a short time ago.

        Raises:
            ProviderForbidden: the code host refuses access.
        """
        if target.repository in self._failed_repositories:
            return None
        if self._negative_cache.is_suppressed(target, self._clock.now()):
            return None
        try:
            answer = call()
        # A refusal is an answer: it becomes the reason of the missing link, and the host is not down.
        except ProviderForbidden:
            raise
        except (PluginFault, ProviderError) as error:
            self._failed_repositories.add(target.repository)
            self._note_failure(calls, target, error)
            return None
        self._negative_cache.add_success(target)
        return answer

    def _note_failure(self, calls: ProviderCalls, target: HookTarget, error: PluginFault | ProviderError) -> None:
        """Log a failure, and suppress the next calls if they would fail in the same way."""
        if isinstance(error, PluginFault) and error.kind == "suspended":
            # The circuit breaker refuses at once, and logged it when it opened.
            return
        # Other errors come quickly and may concern one file only, so that the next call may succeed.
        suppressed = isinstance(error, PluginFault | ProviderUnavailable)
        if suppressed:
            self._negative_cache.add_failure(target, self._clock.now())
        log.warning(
            "link not verified",
            plugin=calls.plugin,
            hook=target.hook,
            provider=calls.provider.key,
            installation=target.installation,
            repository=target.repository,
            rests_seconds=NEGATIVE_TTL.seconds if suppressed else 0,
            error=str(error),
        )


MAX_LINE: Final = 10_000_000


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


class LinkBuilder:
    """Builds the links of one request."""

    def __init__(self, services: Services, organization: Organization) -> None:
        self._plugins = services.plugins
        self._organization = organization
        self._pages = RequestPages(services.shared(PageCache))
        self._questions = ProviderQuestions(services)

    def build(self, target: LinkTarget) -> Link | NoLink:
        """Return the link, or the reason why there is none. A plugin's fault is such a reason, and is logged."""
        # Such a mapping matches every relative path, also those of libraries.
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
        # Decided for each link: an operator may turn a provider off while a long trace is linked.
        decision = self._plugins.decide(target.installation.provider, self._organization)
        calls = self._plugins.calls(target.installation.provider)
        if not decision.on or calls is None:
            return target.no_link(Reason.PROVIDER_OFF, decision.public_reason)
        ref = choose_ref(target.frame_commit, target.release_commit, target.mapping.default_branch)
        # Only if there is no other ref, because the answer costs a request to the code host.
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
        # After the URL: a page that cannot be built needs no request to the code host.
        exists = self._questions.file_exists(calls, installation, target.repository, ref, target.path)
        if exists is Existence.NO:
            return target.no_link(Reason.FILE_NOT_FOUND, _deleted(target.deletion), attempted_url=url)
        # The host's answer comes first, because dates do not order the commits of branches.
        if exists is Existence.UNKNOWN and target.deletion and ref.ref in target.deletion.later:
            return target.no_link(Reason.FILE_NOT_FOUND, _deleted(target.deletion), attempted_url=url)
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
            # Null instead of false: no answer does not mean that the file is missing.
            verified=True if exists is Existence.YES else None,
        )

    def _url(self, calls: ProviderCalls, installation: Installation, target: LinkTarget, ref: ChosenRef) -> str | NoUrl:
        line = usable_line(target.line)
        # Templates are read once per repository and ref; a hook call for each frame would dominate the cost.
        links = self._pages.of(calls, installation, target.repository).at(ref.ref, ref.kind)
        if isinstance(links, NoUrl):
            return links
        if links is not None:
            return _checked(links.url(target.path, line))
        # ``Location`` would refuse the path with an exception.
        if len(target.path) > MAX_PATH:
            return NoUrl(message=f"The path has more than {MAX_PATH} characters.")
        if encodable(target.path) != target.path:
            return NoUrl(reason=Reason.NOT_A_FILE, message="The path has half a character (a lone surrogate).")
        location = Location(ref=ref.ref, ref_kind=ref.kind, path=target.path, line=line)
        url = calls.source_url(installation, target.repository, location)
        if isinstance(url, str) and not safe_url(url):
            return NoUrl(reason=Reason.UNSAFE_URL, message="The provider's URL is not a safe http or https link.")
        return _checked(url)


def _deleted(deletion: Deletion | None) -> str:
    """Return which commit deleted or renamed a file, as a sentence, or an empty text if none is known."""
    if deletion is None:
        return ""
    commit = encodable(deletion.sha[:12])
    if deletion.new_path is None:
        return f"Commit {commit} deleted the file, and no later one that is known added it again."
    return f"Commit {commit} renamed the file to {encodable(deletion.new_path)}."


def usable_line(line: int | None) -> int | None:
    """Return the line, or None if no file has it: runtimes print 0 and -1 for an unknown line."""
    return line if line is not None and 1 <= line <= MAX_LINE else None


def _checked(url: str | NoUrl) -> str | NoUrl:
    """Return the URL, unless UTF-8 cannot encode it: the answer, and not only this link, would be lost."""
    if isinstance(url, str) and encodable(url) != url:
        return NoUrl(reason=Reason.UNSAFE_URL, message="The provider's URL has half a character (a lone surrogate).")
    return url
