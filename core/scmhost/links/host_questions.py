"""Questions to code hosts about files and branches of a request, and the calls that failed a short time ago.

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

from scmhost.plugins import PluginFault, PluginHost, ProviderCalls
from scmhost.sdk import (
    Existence,
    Installation,
    Location,
    Organization,
    ProviderError,
    ProviderForbidden,
    ProviderUnavailable,
    Repository,
)
from scmhost.services import Services

from .values import ChosenRef, choose_ref

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


def calls_with(
    hook: str, plugins: PluginHost, organization: Organization, installation: Installation
) -> ProviderCalls | None:
    """Return the way to a provider, unless it is off for the organization now or has no such hook."""
    key = installation.provider
    calls = plugins.calls(key) if plugins.decide(key, organization).on else None
    return calls if calls is not None and calls.has(hook) else None


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
