"""Look up objects of a repository by name, with one kept git process for each repository.

A name has the form of gitrevisions(7), such as ``main^{commit}``. Starting git for each name would take twenty times as
long as writing to a process that runs.
"""

import subprocess
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import IO, Final, NamedTuple, cast

from scmhost.sdk import ProviderUnavailable

from . import git

SECONDS: Final = 2.0
"""The time limits for an answer and for waiting for other threads, in seconds: together less than the hook's budget."""

_OBJECT_KINDS: Final = frozenset({b"commit", b"tree", b"blob", b"tag"})
_FIELDS: Final = 2
# A repository that cannot be read ends each new process, so that the restarts are limited.
_MAX_STARTS: Final = 3


class GitObject(NamedTuple):
    """An object of a repository: its id and its kind."""

    id: str
    kind: str


class _ProcessEndedError(Exception):
    """The git process has ended."""


class _GitProcess:
    """A ``git cat-file`` process, which writes one line for each line that it reads."""

    def __init__(self, git_dir: Path) -> None:
        self._process = git.start(
            git_dir,
            "cat-file",
            "--batch-check=%(objectname) %(objecttype)",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._stdin = cast("IO[bytes]", self._process.stdin)
        self._stdout = cast("IO[bytes]", self._process.stdout)
        self._lines: SimpleQueue[bytes] = SimpleQueue()
        # Not every system can wait for a pipe with a time limit; a queue can.
        self._reader = Thread(target=self._read, name=f"git {git_dir}", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._process.pid

    def look_up(self, names: Sequence[bytes]) -> list[GitObject | None]:
        """Return the objects in order, None for a name without an object.

        Raises:
            _ProcessEndedError: the process has ended.
            Empty: it does not answer in time.
        """
        try:
            self._stdin.write(b"".join(name + b"\n" for name in names))
            self._stdin.flush()
        except OSError as error:
            raise _ProcessEndedError from error
        return [_parse_object(self._next_line()) for _ in names]

    def end(self) -> None:
        """Kill the process, and wait until it has ended."""
        self._process.kill()
        self._reader.join()
        self._process.wait()
        self._stdout.close()
        # Closing writes what is left in the buffer, which fails without a reader.
        with suppress(OSError):
            self._stdin.close()

    def _next_line(self) -> bytes:
        line = self._lines.get(timeout=SECONDS)
        if not line:
            raise _ProcessEndedError
        return line

    def _read(self) -> None:
        """Put each line into the queue, and an empty one at the end."""
        for line in self._stdout:
            self._lines.put(line)
        self._lines.put(b"")


class _RepositoryLookup:
    """The process of one repository: started on first use, and again after it has ended."""

    def __init__(self, git_dir: Path) -> None:
        self.users = 0
        self.process: _GitProcess | None = None
        self._git_dir = git_dir
        self._lock = Lock()
        self._is_closed = False

    def look_up(self, names: Sequence[bytes]) -> list[GitObject | None]:
        if not self._lock.acquire(timeout=SECONDS):
            raise ProviderUnavailable("git is busy with other questions about this repository")
        try:
            return self._look_up_locked(names)
        finally:
            self._lock.release()

    def end(self) -> None:
        with self._lock:
            self._is_closed = True
            self._stop()

    def _look_up_locked(self, names: Sequence[bytes]) -> list[GitObject | None]:
        """Look up with restarts: a process may have ended since its last use. New ones that end show a problem."""
        if self._is_closed:
            raise ProviderUnavailable("the service is about to end")
        for _ in range(_MAX_STARTS):
            self.process = self.process or _GitProcess(self._git_dir)
            try:
                return self.process.look_up(names)
            except _ProcessEndedError:
                self._stop()
            except Empty:
                # Late answers would be taken for those to the next names.
                self._stop()
                raise ProviderUnavailable(f"git did not answer within {SECONDS:g} s") from None
        raise ProviderUnavailable("git cannot read this repository; the operator finds out why with `git fsck`")

    def _stop(self) -> None:
        process, self.process = self.process, None
        if process:
            process.end()


class ObjectLookup:
    """Looks up objects of many repositories; keeps the processes of the last used ones. Safe for threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: OrderedDict[tuple[Path, int, int], _RepositoryLookup] = OrderedDict()

    def look_up(self, git_dir: Path, names: Sequence[bytes], max_processes: int) -> list[GitObject | None]:
        """Return the objects in order, None for a name without an object.

        Args:
            git_dir: the directory of git's data.
            names: names of objects, without NUL and line ends.
            max_processes: the most processes that are kept, of all repositories.

        Raises:
            ProviderUnavailable: git cannot read the repository, or does not answer in time.
        """
        with self._borrowed(git_dir, max_processes) as repository:
            return repository.look_up(names)

    def end(self) -> None:
        """End all processes. A later lookup starts new ones."""
        with self._lock:
            ended = list(self._kept.values())
            self._kept.clear()
        for repository in ended:
            repository.end()

    @contextmanager
    def _borrowed(self, git_dir: Path, max_processes: int) -> Iterator[_RepositoryLookup]:
        key = _key(git_dir)
        with self._lock:
            repository = self._kept.setdefault(key, _RepositoryLookup(git_dir))
            self._kept.move_to_end(key)
            repository.users += 1
            surplus = self._remove_surplus(max_processes)
        # Outside of the lock, because waiting for the end of a process would block all other repositories.
        for other in surplus:
            other.end()
        try:
            yield repository
        finally:
            with self._lock:
                repository.users -= 1

    def _remove_surplus(self, max_processes: int) -> list[_RepositoryLookup]:
        """Remove and return the unused ones above the limit, the least recently used first."""
        idle = [key for key, repository in self._kept.items() if repository.users == 0]
        return [self._kept.pop(key) for key in idle[: max(0, len(self._kept) - max_processes)]]


def _key(git_dir: Path) -> tuple[Path, int, int]:
    """Return a key that changes when the directory is replaced by another one."""
    try:
        status = git_dir.stat()
    except OSError as error:
        raise ProviderUnavailable(f"the repository cannot be read ({error.strerror})") from error
    return git_dir, status.st_dev, status.st_ino


def _parse_object(line: bytes) -> GitObject | None:
    fields = line.split()
    # For a name without an object, git repeats the name with a reason.
    if len(fields) != _FIELDS or fields[1] not in _OBJECT_KINDS:
        return None
    return GitObject(fields[0].decode(), fields[1].decode())
