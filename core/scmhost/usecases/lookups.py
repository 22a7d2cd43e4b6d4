"""What a provider is asked about its repositories for one request's links: each thing once."""

from collections.abc import Callable
from typing import Final, TypeVar

import structlog

from scmhost.host import PluginFault, ProviderCalls
from scmhost.links import ChosenRef, choose_ref
from scmhost.sdk import Existence, Installation, Location, ProviderError, ProviderForbidden, Repository

T = TypeVar("T")

LONGEST_PATH: Final = 4_096
"""How many characters the path of a ``Location`` may have."""

log = structlog.get_logger(__name__)


class Lookups:
    """Asks, and keeps the answers. A repository whose provider cannot answer is not asked about again.

    Answers make links better; for want of one, none is lost. So a provider that hangs costs a request its budget once,
    not for each frame. ``most_files`` is how many files it is asked about.
    """

    def __init__(self, most_files: int) -> None:
        self._files_left = most_files
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
            answer = self._asked(repository, lambda: calls.file_exists(installation, repository, location))
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
            found = self._asked(repository, lambda: calls.resolve_ref(installation, repository, None))
            self._branches[repository.id] = choose_ref(None, None, found.name) if found else None
        return self._branches[repository.id]

    def _asked(self, repository: Repository, ask: Callable[[], T]) -> T | None:
        if repository.id in self._silent:
            return None
        try:
            return ask()
        except ProviderForbidden:
            raise
        except (PluginFault, ProviderError) as error:
            log.warning("link not verified", error=str(error), repository=repository.id)
            self._silent.add(repository.id)
            return None
