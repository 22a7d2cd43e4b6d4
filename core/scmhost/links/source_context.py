"""Read the source lines around linked frames from their code hosts.

Each file of a request is read once, several at a time. Contents at a commit are cached, because they never change.
Contents are never logged.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from threading import Lock
from time import monotonic
from typing import Final, TypeVar

from cachetools import TTLCache

from scmhost.plugins import ProviderCalls
from scmhost.sdk import (
    MAX_FILE_BYTES,
    ApiTooLarge,
    FileTooLarge,
    Installation,
    Organization,
    ProviderError,
    ProviderForbidden,
    ProviderUnauthorized,
    ProviderUnavailable,
    RefKind,
    Repository,
    looks_like_commit,
)
from scmhost.services import Services

from .host_questions import HookTarget, ProviderQuestions, calls_with
from .resolve import ResolvedFrame
from .source_lines import MissingLines, NoLines, SourceLines, lines_around, read_lines
from .values import FrameQuery, Link, usable_line

T = TypeVar("T")
R = TypeVar("R")

CACHED_BYTES: Final = 64 * 1024 * 1024
"""The most bytes of file contents that a process caches."""

CACHED_SECONDS: Final = 600.0
"""How long a content is cached: who loses access to a repository at its code host must not read it for ever."""

MAX_SECONDS: Final = timedelta(seconds=10)
"""How long one request may begin to read files."""

# A plugin has few workers, which other requests need too.
_PARALLEL: Final = 4
# The key and the entry itself; without it, empty files would be free.
_ENTRY_BYTES: Final = 512

FileKey = tuple[int, int, int, str, str]


class FileCache:
    """The contents of files at commits that this process read last; safe to use from many threads."""

    def __init__(
        self, most: int = CACHED_BYTES, seconds: float = CACHED_SECONDS, timer: Callable[[], float] = monotonic
    ) -> None:
        self._lock = Lock()
        self._contents: TTLCache[FileKey, bytes] = TTLCache(most, seconds, timer, getsizeof=_size_of)

    @property
    def size(self) -> int:
        """The bytes that are cached."""
        return int(self._contents.currsize)

    def get(self, key: FileKey) -> bytes | None:
        """Return a content, if it is cached."""
        with self._lock:
            return self._contents.get(key)

    def put(self, key: FileKey, content: bytes) -> None:
        """Keep a content; the least recently used ones make room for it."""
        with self._lock:
            if _size_of(content) <= self._contents.maxsize:
                self._contents[key] = content


def _size_of(content: bytes) -> int:
    return len(content) + _ENTRY_BYTES


@dataclass(frozen=True, slots=True)
class LinkedSource:
    """A file that links of a request lead to."""

    installation: Installation
    repository: Repository
    ref: str
    ref_kind: RefKind
    path: str

    @property
    def place(self) -> tuple[int, RefKind, str]:
        """The repository and the ref."""
        return self.repository.id, self.ref_kind, self.ref

    def cache_key(self, commit: str) -> FileKey:
        """The key of the content at a commit. No organization and no installation reads what another one read."""
        owner = self.installation
        return owner.organization_id, owner.id, self.repository.id, commit, self.path


def read_context(
    services: Services,
    organization: Organization,
    frames: Sequence[FrameQuery],
    resolved: Sequence[ResolvedFrame],
    margin: int,
) -> list[SourceLines | MissingLines | None]:
    """Return the lines around each linked frame, or why there are none; None for a frame without a link.

    Plugins are called, so that no transaction may be open. The first ``limits.context_frames`` frames are read.
    """
    results: list[SourceLines | MissingLines | None] = [None] * len(frames)
    wanted: defaultdict[tuple[object, ...], list[tuple[int, int]]] = defaultdict(list)
    files: dict[tuple[object, ...], LinkedSource] = {}
    left = services.limits.context_frames
    for at, (frame, item) in enumerate(zip(frames, resolved, strict=True)):
        source, line = source_of(item), usable_line(frame.line)
        if source is None:
            continue
        if line is None or left == 0:
            results[at] = MissingLines(NoLines.NO_LINE if line is None else NoLines.LIMIT_REACHED)
            continue
        left -= 1
        key = (*source.place, source.path)
        files[key] = source
        wanted[key].append((at, line))
    reader = SourceReader(services, organization)
    reader.resolve(files.values())
    work = [partial(_cut, reader, files[key], [line for _, line in places], margin) for key, places in wanted.items()]
    for places, cuts in zip(wanted.values(), together(work), strict=True):
        for (at, _), cut in zip(places, cuts, strict=True):
            results[at] = cut
    return results


def source_of(item: ResolvedFrame) -> LinkedSource | None:
    """Return the file that a link leads to; None without a link."""
    link = item.outcome
    if not isinstance(link, Link) or item.repository is None or item.installation is None:
        return None
    return LinkedSource(item.installation, item.repository, link.ref, link.ref_kind, link.source_path)


def _cut(
    reader: "SourceReader", source: LinkedSource, lines: Sequence[int], margin: int
) -> list[SourceLines | MissingLines]:
    """Return the lines around several lines of a file. Its content is dropped before the next file is read."""
    content = reader.read(source)
    if isinstance(content, MissingLines):
        return [content] * len(lines)
    text = read_lines(content)
    if text is None:
        return [MissingLines(NoLines.BINARY_FILE)] * len(lines)
    return [lines_around(text, line, margin) for line in lines]


def together(work: Sequence[Callable[[], T]]) -> list[T]:
    """Return the results of the calls in their order, several at a time."""
    # Most traces have few files, and a thread costs more than one of them from the cache.
    if len(work) < 2:  # noqa: PLR2004 - nothing to do at the same time
        return [call() for call in work]
    with ThreadPoolExecutor(min(_PARALLEL, len(work)), thread_name_prefix="scmhost source") as pool:
        # Each with a copy of this thread's context, which has the request's id for the log.
        return [future.result() for future in [pool.submit(copy_context().run, call) for call in work]]


class SourceReader:
    """Reads the files of one request.

    After a failure, or a refusal of a whole repository, no more is read from that repository in this request.
    """

    def __init__(self, services: Services, organization: Organization) -> None:
        self._plugins = services.plugins
        self._organization = organization
        self._clock = services.clock
        self._end = services.clock.now() + MAX_SECONDS
        self._cache = services.shared(FileCache)
        self._questions = ProviderQuestions(services)
        self._commits: dict[tuple[int, RefKind, str], str | None] = {}
        self._stopped: dict[int, MissingLines] = {}

    def resolve(self, sources: Iterable[LinkedSource]) -> None:
        """Find the commits of the refs of files, so that their contents can be cached."""
        places = {source.place: source for source in sources}
        commits = together([partial(self._commit_of, source) for source in places.values()])
        self._commits.update(zip(places, commits, strict=True))

    def read(self, source: LinkedSource) -> bytes | MissingLines:
        """Return the content of a file at the commit of its ref, or at the ref itself if its commit is not known."""
        calls = calls_with("scm_read_file", self._plugins, self._organization, source.installation)
        if calls is None:
            return MissingLines(NoLines.NOT_SUPPORTED)
        commit = self._commits.get(source.place)
        cached = self._cache.get(source.cache_key(commit)) if commit else None
        if cached is not None:
            return cached
        call = partial(calls.read_file, source.installation, source.repository, commit or source.ref, source.path)
        content = self._ask(source, "scm_read_file", calls, call)
        if isinstance(content, MissingLines):
            return content
        if content is None:
            # Not cached: a clone may get the commit with its next fetch.
            return MissingLines(NoLines.FILE_NOT_FOUND)
        if len(content) > MAX_FILE_BYTES:
            return MissingLines(NoLines.FILE_TOO_LARGE)
        if commit:
            self._cache.put(source.cache_key(commit), content)
        return content

    def _commit_of(self, source: LinkedSource) -> str | None:
        """Return the full id of the commit of a ref, or None if it is not known."""
        if source.ref_kind == "commit" and looks_like_commit(source.ref):
            # One key of the cache, in any spelling of the commit.
            return source.ref.lower()
        calls = calls_with("scm_resolve_ref", self._plugins, self._organization, source.installation)
        if calls is None or not calls.has("scm_read_file"):
            return None
        call = partial(calls.resolve_ref, source.installation, source.repository, source.ref)
        found = self._ask(source, "scm_resolve_ref", calls, call)
        # The hook gets the name alone, which may be that of a branch and of a tag.
        return None if found is None or isinstance(found, MissingLines) or found.kind != source.ref_kind else found.sha

    def _ask(self, source: LinkedSource, hook: str, calls: ProviderCalls, call: Callable[[], R]) -> R | MissingLines:
        """Return the answer of a hook, or why there is none."""
        number = source.repository.id
        if number in self._stopped:
            return self._stopped[number]
        if self._clock.now() >= self._end:
            return MissingLines(NoLines.LIMIT_REACHED)
        target = HookTarget(hook, source.installation.id, number)
        try:
            # In a tuple, because None is an answer too.
            answer = self._questions.ask(calls, target, partial(_attempt, call))
        except ProviderForbidden as error:
            self._stopped[number] = MissingLines(NoLines.FORBIDDEN, str(error))
            return self._stopped[number]
        if answer is None:
            self._stopped[number] = MissingLines(NoLines.PROVIDER_FAILED)
            return self._stopped[number]
        return answer[0]


def _attempt(call: Callable[[], R]) -> tuple[R | MissingLines]:
    """Return the answer of a call. An error about one file is an answer: the next file may be readable."""
    try:
        return (call(),)
    except (ProviderForbidden, ProviderUnauthorized, ProviderUnavailable):
        raise
    except (FileTooLarge, ApiTooLarge) as error:
        return (MissingLines(NoLines.FILE_TOO_LARGE, str(error)),)
    except ProviderError as error:
        return (MissingLines(NoLines.PROVIDER_FAILED, str(error)),)
