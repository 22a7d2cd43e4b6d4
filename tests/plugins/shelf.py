"""A plugin whose code host has the files that a test sets, and that counts what it reads."""

from collections.abc import Callable, Sequence
from threading import Lock

from plugins.archivist import scm_dispatch_repository, scm_offer_repositories  # noqa: F401 - hooks of this plugin too
from scmhost.sdk import (
    BlamedLine,
    Feature,
    InstallationDraft,
    Location,
    Provider,
    Repository,
    ResolvedRef,
    hookimpl,
)


class Shelf:
    """The files and branches of a code host. ``reset`` empties it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.reset()

    def reset(self) -> None:
        self.files: dict[tuple[str, str], bytes] = {}
        """The content of files by ref and path."""
        self.branches: dict[str, ResolvedRef] = {}
        self.before_read: Callable[[Repository, str], None] = lambda _repository, _path: None
        self.reads: list[tuple[str, str]] = []
        self.blamed: dict[str, Sequence[BlamedLine]] = {}
        """The blamed lines of files by path."""

    def note(self, ref: str, path: str) -> None:
        with self._lock:
            self.reads.append((ref, path))


shelf = Shelf()


@hookimpl
def scm_register_providers() -> Sequence[Provider]:
    features = frozenset({Feature.COMMITS, Feature.STACKTRACE_LINK})
    return [Provider(key="shelf", name="Shelf", features=features, requires_feature_flag=False)]


@hookimpl
def scm_install() -> InstallationDraft:
    return InstallationDraft(name="shelf", external_id="1")


@hookimpl
def scm_source_url(repository: Repository, location: Location) -> str:
    return f"{repository.url}/{location.ref}/{location.path}"


@hookimpl
def scm_resolve_ref(ref: str | None) -> ResolvedRef | None:
    return shelf.branches.get(ref or "main")


@hookimpl
def scm_read_file(repository: Repository, ref: str, path: str) -> bytes | None:
    shelf.note(ref, path)
    shelf.before_read(repository, path)
    return shelf.files.get((ref, path))


@hookimpl
def scm_blame_lines(repository: Repository, ref: str, path: str, lines: Sequence[int]) -> Sequence[BlamedLine]:
    shelf.note(ref, path)
    shelf.before_read(repository, path)
    return [line for line in shelf.blamed.get(path, ()) if line.line in lines]
