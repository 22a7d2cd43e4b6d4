"""What a provider is asked about its repositories for one request's links: each thing once, unless it rests."""

from collections.abc import Callable
from functools import partial
from typing import Final, TypeVar

import structlog

from scmhost.links import ChosenRef, choose_ref
from scmhost.plugins import PluginFault, ProviderCalls
from scmhost.sdk import (
    Existence,
    Installation,
    Location,
    ProviderError,
    ProviderForbidden,
    ProviderUnavailable,
    Repository,
)

from .services import Services
from .silences import SILENCE, Question

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
        self._silences = services.silences
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
