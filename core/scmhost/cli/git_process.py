"""Runs git, and reads what it prints."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from os import PathLike
from typing import IO, Final

from scmhost.infra.errors import ScmhostError

_BLOCK: Final = 1 << 16


class GitError(ScmhostError):
    """git is missing, or refused; the message is git's own."""


def git_outputs(path: PathLike[str] | str, *commands: Sequence[str]) -> "list[str | GitError]":
    """What git commands that run side by side print, to the letter. Bytes that are no UTF-8 are half characters.

    Raises:
        GitError: git is missing. That it refuses one of the commands is that one's answer.
    """
    try:
        begun = [
            subprocess.Popen(  # noqa: S603 - a list, no shell
                _command(path, *command), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=_environment()
            )
            for command in commands
        ]
    except FileNotFoundError:
        raise GitError("git is not installed; install it, or put it on PATH") from None
    return [_answer(path, command, process) for command, process in zip(commands, begun, strict=True)]


def _answer(path: PathLike[str] | str, command: Sequence[str], process: "subprocess.Popen[bytes]") -> "str | GitError":
    out, err = process.communicate()
    if process.returncode != 0:
        return GitError(f"git {command[0]} in {path}: {err.decode(errors='replace').strip()}")
    return out.decode(errors="surrogateescape")


def git_output(path: PathLike[str] | str, *arguments: str) -> str:
    """What one git command prints, to the letter.

    Raises:
        GitError: git is missing or refuses.
    """
    (answer,) = git_outputs(path, arguments)
    if isinstance(answer, GitError):
        raise answer
    return answer


def git(path: PathLike[str] | str, *arguments: str) -> str:
    """What a git command prints, without what is blank around it.

    Raises:
        GitError: git is missing or refuses.
    """
    return git_output(path, *arguments).encode(errors="surrogateescape").decode(errors="replace").strip()


@contextmanager
def stream_of(path: PathLike[str] | str, *arguments: str) -> Iterator[IO[bytes]]:
    """What a git command prints, while it prints it.

    Raises:
        GitError: git refused, which shows at the end.
    """
    with subprocess.Popen(  # noqa: S603 - a list, no shell
        _command(path, *arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=_environment()
    ) as process:
        assert process.stdout is not None  # noqa: S101 - asked for above
        assert process.stderr is not None  # noqa: S101 - asked for above
        yield process.stdout
        fault = process.stderr.read().decode(errors="replace").strip()
    if process.returncode != 0:
        raise GitError(f"git {arguments[0]}: {fault}")


def fields_of(stream: IO[bytes]) -> Iterator[str]:
    """The NUL-separated fields of git's answer."""
    rest = b""
    while block := stream.read(_BLOCK):
        *whole, rest = (rest + block).split(b"\0")
        for field in whole:
            yield field.decode(errors="replace")
    if rest.strip():
        yield rest.decode(errors="replace")


def _command(path: PathLike[str] | str, *arguments: str) -> list[str]:
    return ["git", "-C", str(path), "-c", "core.quotePath=false", "-c", "log.showSignature=false", *arguments]


def _environment() -> dict[str, str]:
    """Git's messages in English, and no question ever asked."""
    return {**os.environ, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}
