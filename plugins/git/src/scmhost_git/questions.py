"""Questions about what a repository holds, put to processes of git that are kept: one for each repository.

A question is the name of an object as gitrevisions(7) has it, such as ``main^{commit}``; the answer is its id and
kind, or nothing. Starting git for each would take twenty times as long as asking.
"""

import subprocess
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import IO, Final, NamedTuple, cast

from scmhost.sdk import ProviderUnavailable

from . import git

SECONDS: Final = 2.0
"""How long an answer may take, and waiting for others who ask: together less than the contract's budget."""

_KINDS: Final = frozenset({b"commit", b"tree", b"blob", b"tag"})
_WORDS: Final = 2
_STARTS: Final = 3


class Object(NamedTuple):
    """What a name stands for."""

    id: str
    kind: str


class _Ended(Exception):
    """Git's process is gone."""


class _Process:
    """A process of git that answers one line for each line."""

    def __init__(self, git_dir: Path) -> None:
        self._process = git.start(
            git_dir,
            "cat-file",
            "--batch-check=%(objectname) %(objecttype)",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._lines: SimpleQueue[bytes] = SimpleQueue()
        # A pipe cannot be waited for with a limit on every system; a queue can.
        self._reader = Thread(target=self._read, name=f"git {git_dir}", daemon=True)
        self._reader.start()

    def ask(self, names: Sequence[bytes]) -> list[Object | None]:
        """The answers, in order.

        Raises:
            _Ended: the process ended.
            Empty: it does not answer.
        """
        stdin = cast("IO[bytes]", self._process.stdin)
        try:
            stdin.write(b"".join(name + b"\n" for name in names))
            stdin.flush()
        except OSError as error:
            raise _Ended from error
        return [_object(self._next()) for _ in names]

    def end(self) -> None:
        """End the process, and wait until it is gone."""
        self._process.kill()
        self._reader.join()
        self._process.wait()
        for pipe in (self._process.stdout, cast("IO[bytes]", self._process.stdin)):
            _close(cast("IO[bytes]", pipe))

    def _next(self) -> bytes:
        line = self._lines.get(timeout=SECONDS)
        if not line:
            raise _Ended
        return line

    def _read(self) -> None:
        """Every line; at the end an empty one."""
        for line in cast("IO[bytes]", self._process.stdout):
            self._lines.put(line)
        self._lines.put(b"")


class _Repository:
    """The process of one repository: started when it is needed, and again when it is gone."""

    def __init__(self, git_dir: Path) -> None:
        self.users = 0
        self._git_dir = git_dir
        self._lock = Lock()
        self._process: _Process | None = None
        self._is_over = False

    def ask(self, names: Sequence[bytes]) -> list[Object | None]:
        if not self._lock.acquire(timeout=SECONDS):
            raise ProviderUnavailable("git is busy with other questions about this repository")
        try:
            return self._asked(names)
        finally:
            self._lock.release()

    def end(self) -> None:
        with self._lock:
            self._is_over = True
            self._stop()

    def _asked(self, names: Sequence[bytes]) -> list[Object | None]:
        """A process may have ended since it was asked last; where new ones end, there is a reason."""
        if self._is_over:
            raise ProviderUnavailable("the service is about to end")
        for _ in range(_STARTS):
            self._process = self._process or _Process(self._git_dir)
            try:
                return self._process.ask(names)
            except _Ended:
                self._stop()
            except Empty:
                self._stop()
                raise ProviderUnavailable(f"git did not answer within {SECONDS:g} s") from None
        raise ProviderUnavailable("git cannot read this repository; the operator finds out why with `git fsck`")

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process:
            process.end()


class Questions:
    """Asks git about many repositories; keeps the processes of those asked for last. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: OrderedDict[tuple[Path, int, int], _Repository] = OrderedDict()

    def ask(self, git_dir: Path, names: Sequence[bytes], most_processes: int) -> list[Object | None]:
        """What each name stands for in a repository. A name may hold any byte but NUL and the end of a line.

        Raises:
            ProviderUnavailable: git cannot be asked.
        """
        with self._borrowed(git_dir, most_processes) as repository:
            return repository.ask(names)

    def end(self) -> None:
        """End all processes. Who asks again begins anew."""
        with self._lock:
            ended = list(self._kept.values())
            self._kept.clear()
        for repository in ended:
            repository.end()

    @contextmanager
    def _borrowed(self, git_dir: Path, most: int) -> Iterator[_Repository]:
        key = _key(git_dir)
        with self._lock:
            repository = self._kept.setdefault(key, _Repository(git_dir))
            self._kept.move_to_end(key)
            repository.users += 1
            surplus = self._surplus(most)
        for other in surplus:
            other.end()
        try:
            yield repository
        finally:
            with self._lock:
                repository.users -= 1

    def _surplus(self, most: int) -> list[_Repository]:
        """Those over the limit that nobody asks now, the ones asked longest ago first."""
        idle = [key for key, repository in self._kept.items() if repository.users == 0]
        return [self._kept.pop(key) for key in idle[: max(0, len(self._kept) - most)]]


def _key(git_dir: Path) -> tuple[Path, int, int]:
    """A directory that was replaced by another is another repository."""
    try:
        found = git_dir.stat()
    except OSError as error:
        raise ProviderUnavailable(f"the repository cannot be read ({error.strerror})") from error
    return git_dir, found.st_dev, found.st_ino


def _object(line: bytes) -> Object | None:
    words = line.split()
    # A name that stands for nothing is given back, with a word of why.
    if len(words) != _WORDS or words[1] not in _KINDS:
        return None
    return Object(words[0].decode(), words[1].decode())


def _close(pipe: IO[bytes]) -> None:
    try:
        pipe.close()
    except OSError:
        # What was not yet written to a process that is gone is not wanted any more.
        return
