"""Read the history of a git repository with git itself, as a stream."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from scmhost.kernel.errors import ScmhostError

_HEADER: Final = "%x01%H%x00%an%x00%ae%x00%aI%x00%B%x00"
_TYPES: Final = {"A": "A", "D": "D"}
_BLOCK: Final = 1 << 16


class GitError(ScmhostError):
    """git is missing, or refused; the message is git's own."""


@dataclass(frozen=True, slots=True)
class GitCommit:
    """A commit as git tells it."""

    sha: str
    author_name: str
    author_email: str
    timestamp: str
    message: str
    changes: tuple[tuple[str, str], ...]

    @property
    def size(self) -> int:
        """About how many characters its payload has."""
        return 250 + len(self.message) + sum(len(path) + 30 for _, path in self.changes)

    def payload(self, repository: str) -> dict[str, object]:
        """The commit in the form that the API takes."""
        return {
            "id": self.sha,
            "repository": repository,
            "message": self.message,
            "author_name": self.author_name[:128],
            "author_email": self.author_email,
            "timestamp": self.timestamp,
            "patch_set": [{"type": kind, "path": path} for kind, path in self.changes],
        }


def git(path: Path, *arguments: str) -> str:
    """What a git command prints.

    Raises:
        GitError: git is missing or refuses.
    """
    try:
        done = subprocess.run(  # noqa: S603 - a list, no shell
            _command(path, *arguments), capture_output=True, check=False, env=_environment()
        )
    except FileNotFoundError:
        raise GitError("git is not installed; install it, or put it on PATH") from None
    if done.returncode != 0:
        raise GitError(f"git {arguments[0]} in {path}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout.decode(errors="replace").strip()


def list_shas(path: Path, wanted: str) -> list[str]:
    """The commits of a range, oldest first, parents before children."""
    return git(path, "rev-list", "--topo-order", "--reverse", wanted, "--").split()


def read_history(path: Path, wanted: str) -> Iterator[GitCommit]:
    """The commits of a range with their changed files, in the order of ``list_shas``."""
    arguments = (
        "log",
        "--topo-order",
        "--reverse",
        "--raw",
        "-z",
        "--no-abbrev",
        "--no-renames",
        "--no-show-signature",
        f"--format={_HEADER}",
        wanted,
        "--",
    )
    with _stream(_command(path, *arguments)) as stream:
        yield from _commits(_fields(stream))


@contextmanager
def _stream(command: list[str]) -> Iterator[IO[bytes]]:
    with subprocess.Popen(  # noqa: S603 - a list, no shell
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=_environment()
    ) as process:
        assert process.stdout is not None  # noqa: S101 - asked for above
        assert process.stderr is not None  # noqa: S101 - asked for above
        yield process.stdout
        fault = process.stderr.read().decode(errors="replace").strip()
    if process.returncode != 0:
        raise GitError(f"git log: {fault}")


def _fields(stream: IO[bytes]) -> Iterator[str]:
    """The NUL-separated fields of git's answer."""
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
        name, email, moment, body = (next(fields) for _ in range(4))
        changes, following = _changes(fields)
        yield GitCommit(head.lstrip("\n\x01"), name, email, moment, body.strip(), changes)
        head = following


def _changes(fields: Iterator[str]) -> tuple[tuple[tuple[str, str], ...], str]:
    """The changed files of a commit, and the field after them: the next commit's sha, or nothing."""
    changes: list[tuple[str, str]] = []
    for field in fields:
        entry = field.lstrip("\n")
        if entry.startswith(":"):
            changes.append((_TYPES.get(entry[-1], "M"), next(fields)))
        elif entry:
            return tuple(changes), entry
    return tuple(changes), ""


def _command(path: Path, *arguments: str) -> list[str]:
    return ["git", "-C", str(path), "-c", "core.quotePath=false", "-c", "log.showSignature=false", *arguments]


def _environment() -> dict[str, str]:
    """Git's messages in English, and no question ever asked."""
    return {**os.environ, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}
