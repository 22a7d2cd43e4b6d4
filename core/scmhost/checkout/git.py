"""Run git, and read a history from its output."""

import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from os import PathLike
from typing import IO, Final, NamedTuple

from scmhost.infra.errors import ScmhostError
from scmhost.sdk.git import git_command, git_environment

# A short command that takes longer reads a damaged repository, or a pipe that somebody put into it.
_SECONDS: Final = 60.0
_BLOCK: Final = 1 << 16
# NUL separates fields, because messages contain line feeds.
_HEADER: Final = "%x01%H%x00%an%x00%ae%x00%aI%x00%ct%x00%B%x00"
# The user's settings could recode messages, omit the files of the first commit, or list only those of a subfolder.
_HISTORY: Final = (
    *("--raw", "-z", "--no-abbrev", "--no-renames", "--root", "--no-relative"),
    *("--encoding=UTF-8", "--no-show-signature", f"--format={_HEADER}"),
)
_CHANGE_TYPES: Final = {"A": "A", "D": "D"}
# The API's limit; git has none.
_LONGEST_AUTHOR_NAME: Final = 128


class GitError(ScmhostError):
    """git is not installed, or a git command failed. The message is git's own."""


class GitCommit(NamedTuple):
    """A commit of a git repository.

    Attributes:
        timestamp: when it was authored, in ISO 8601.
        changes: its changed files as pairs of type (A, D or M) and path.
        committed: when it was committed, in seconds since 1970: later than authored if it was rebased or applied.
        moved: the added files whose content a deleted one had.
    """

    sha: str
    author_name: str
    author_email: str
    timestamp: str
    message: str
    changes: tuple[tuple[str, str], ...]
    committed: int = 0
    moved: frozenset[str] = frozenset()

    @property
    def size(self) -> int:
        """Approximate length of the payload in characters."""
        # The names of the fields, the ids and the author take about so much.
        return 250 + len(self.message) + sum(len(path) + 30 for _, path in self.changes)

    def payload(self, repository: str) -> dict[str, object]:
        """Return the commit as the API expects it."""
        return {
            "id": self.sha,
            "repository": repository,
            "message": self.message,
            "author_name": self.author_name[:_LONGEST_AUTHOR_NAME],
            "author_email": self.author_email,
            "timestamp": self.timestamp,
            "patch_set": [{"type": kind, "path": path} for kind, path in self.changes],
        }


def list_shas(path: PathLike[str] | str, revisions: str) -> list[str]:
    """Return the commits of a revision range, oldest first, parents before children."""
    return git(path, *_history_options(path), "rev-list", "--topo-order", "--reverse", revisions, "--").split()


def read_history(path: PathLike[str] | str, revisions: str) -> Iterator[GitCommit]:
    """Yield the commits of a revision range with their changed files, in the order of ``list_shas``."""
    with _stream(path, "log", "--topo-order", "--reverse", *_HISTORY, revisions, "--") as stream:
        yield from _commits(_fields(stream))


def read_changes(
    path: PathLike[str] | str, revisions: str, files: Sequence[str], *, most: int, since: str | None = None
) -> Iterator[GitCommit]:
    """Yield the newest commits that change one of the files, newest first, without merges; each with all its changes.

    Args:
        path: a folder of the repository.
        revisions: the ids of commits or a range of them, checked by the caller.
        files: the files, from the repository's root.
        most: the most commits.
        since: a date in one of git's forms; older commits are left out.
    """
    limits = ("--no-merges", "--full-diff", f"--max-count={most}", *([f"--since={since}"] if since else ()))
    with _stream(path, "log", *limits, *_HISTORY, revisions, "--", *files) as stream:
        yield from _commits(_fields(stream))


def git(path: PathLike[str] | str, *arguments: str) -> str:
    """Return the output of a git command without surrounding whitespace.

    Raises:
        GitError: git is not installed, or the command failed.
    """
    return git_output(path, *arguments).encode(errors="surrogateescape").decode(errors="replace").strip()


def git_output(path: PathLike[str] | str, *arguments: str) -> str:
    """Return the exact output of a git command. Bytes that are not UTF-8 become lone surrogates.

    Raises:
        GitError: git is not installed, or the command failed.
    """
    (output,) = git_outputs(path, arguments)
    if isinstance(output, GitError):
        raise output
    return output


def git_outputs(path: PathLike[str] | str, *commands: Sequence[str]) -> list[str | GitError]:
    """Run git commands in parallel; return the output of each, or the error of one that failed.

    Raises:
        GitError: git is not installed.
    """
    return start_outputs(path, *commands)()


def start_outputs(path: PathLike[str] | str, *commands: Sequence[str]) -> Callable[[], list[str | GitError]]:
    """Start git commands in parallel; return a function that waits for the result of ``git_outputs``.

    Raises:
        GitError: git is not installed.
    """
    processes = [start(path, *command) for command in commands]
    return lambda: [_output(path, command, process) for command, process in zip(commands, processes, strict=True)]


def start(
    path: PathLike[str] | str, *command: str, stdin: int = subprocess.DEVNULL, stderr: int = subprocess.PIPE
) -> "subprocess.Popen[bytes]":
    """Start git in a folder, with a pipe for its output.

    The user's own settings apply, such as short forms of URLs. Nothing in the repository can start a program.

    Raises:
        GitError: git is not installed.
    """
    try:
        return subprocess.Popen(  # noqa: S603 - a list, no shell
            git_command("-C", str(path), *command),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=git_environment(os.environ),
        )
    except FileNotFoundError:
        raise GitError("git is not installed; install it, or put it on PATH") from None


def _output(path: PathLike[str] | str, command: Sequence[str], process: "subprocess.Popen[bytes]") -> str | GitError:
    name = next(word for word in command if not word.startswith("--git-dir="))
    # Both pipes at once: git blocks when one of them is full.
    try:
        out, err = process.communicate(timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return GitError(f"git {name} in {path} took longer than {_SECONDS:g} s")
    if process.returncode != 0:
        return GitError(f"git {name} in {path}: {err.decode(errors='replace').strip()}")
    return out.decode(errors="surrogateescape")


def _history_options(path: PathLike[str] | str) -> tuple[str, ...]:
    """Return how git finds a repository that the user has named, which may be a bare one."""
    parts = ("HEAD", "objects", "refs")
    is_bare = all(os.path.exists(os.path.join(path, name)) for name in parts)  # noqa: PTH110, PTH118 - as in links
    return (f"--git-dir={os.path.abspath(path)}",) if is_bare else ()  # noqa: PTH100 - as above


@contextmanager
def _stream(path: PathLike[str] | str, *arguments: str) -> Iterator[IO[bytes]]:
    """Open the output of a git command while it runs; a failure is raised at the end of the block."""
    with start(path, *_history_options(path), *arguments) as process:
        assert process.stdout is not None  # noqa: S101 - a pipe, see above
        assert process.stderr is not None  # noqa: S101 - a pipe, see above
        yield process.stdout
        error = process.stderr.read().decode(errors="replace").strip()
    if process.returncode != 0:
        raise GitError(f"git {arguments[0]}: {error}")


def _fields(stream: IO[bytes]) -> Iterator[str]:
    """Yield the NUL-separated fields of a stream."""
    rest = b""
    while block := stream.read(_BLOCK):
        *whole, rest = (rest + block).split(b"\0")
        for field in whole:
            yield field.decode(errors="replace")
    if rest.strip():
        yield rest.decode(errors="replace")


def _commits(fields: Iterator[str]) -> Iterator[GitCommit]:
    head = next(fields, "")
    while head:
        name, email, timestamp, committed, message = (next(fields) for _ in range(5))
        changes, moved, following = _changes(fields)
        sha = head.lstrip("\n\x01")
        yield GitCommit(sha, name, email, timestamp, message.strip(), changes, int(committed or 0), moved)
        head = following


def _changes(fields: Iterator[str]) -> tuple[tuple[tuple[str, str], ...], frozenset[str], str]:
    """Return the changed files of a commit, those that moved, and the field after them: the next commit, or nothing."""
    changes: list[tuple[str, str]] = []
    added: dict[str, str] = {}
    deleted: set[str] = set()
    following = ""
    for field in fields:
        entry = field.lstrip("\n")
        if entry.startswith(":"):
            # The modes and the contents before and after, and a type. git prints more of them, such as T for a changed
            # file mode; the API has A, D and M.
            _, _, before, after, kind = entry.split()
            path = next(fields)
            changes.append((_CHANGE_TYPES.get(kind, "M"), path))
            if kind == "A":
                added[path] = after
            elif kind == "D":
                deleted.add(before)
        elif entry:
            following = entry
            break
    moved = frozenset(path for path, content in added.items() if content in deleted) if deleted else frozenset()
    return tuple(changes), moved, following
