"""Run git: its arguments, its environment, and the errors of a process."""

import subprocess
from pathlib import Path
from typing import Final

from scmhost.sdk import ProviderError, ProviderUnavailable
from scmhost.sdk.git import GIT_OPTIONS, git_environment

_SECONDS: Final = 2.0


def command(git_dir: Path, *arguments: str) -> list[str]:
    """Return the command line that runs git on a repository.

    With ``--git-dir``, git neither searches parent directories nor checks the owner of the files: the operator has
    configured the directory.
    """
    return ["git", f"--git-dir={git_dir}", *GIT_OPTIONS, *arguments]


def environment() -> dict[str, str]:
    """Return the environment of git's process, without the settings of the user or the machine."""
    return git_environment()


def start(git_dir: Path, *arguments: str, **pipes: object) -> "subprocess.Popen[bytes]":
    """Start git on a repository.

    Raises:
        ProviderUnavailable: git cannot be started.
    """
    try:
        return subprocess.Popen(  # type: ignore[call-overload, no-any-return]  # noqa: S603 - a list, no shell
            command(git_dir, *arguments), cwd=git_dir, env=environment(), **pipes
        )
    except OSError as error:
        raise ProviderUnavailable(f"git cannot be started ({error.strerror})") from error


def output(git_dir: Path, *arguments: str, seconds: float | None = None) -> bytes | None:
    """Return the output of a command, or None if git fails.

    Args:
        git_dir: the directory of git's data.
        arguments: the command and its arguments.
        seconds: the time limit, by default 2 seconds.

    Raises:
        ProviderUnavailable: git cannot be started, or takes too long.
    """
    limit = _SECONDS if seconds is None else seconds
    process = start(git_dir, *arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    with process:
        try:
            printed, _ = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired as late:
            process.kill()
            raise ProviderUnavailable(f"git {arguments[0]} took longer than {limit:g} s") from late
    return printed if process.returncode == 0 else None


def check_git() -> None:
    """Check that git is installed.

    Raises:
        ProviderError: it cannot be run.
    """
    try:
        subprocess.run(["git", "--version"], capture_output=True, check=True, env=environment())  # noqa: S607 - found on PATH
    except (OSError, subprocess.CalledProcessError) as error:
        raise ProviderError("git cannot be run; install it, or put it on the PATH of the service") from error
