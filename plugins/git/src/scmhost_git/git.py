"""Git as a process: what it is called with, and what of the world it may see."""

import os
import subprocess
from pathlib import Path
from typing import Final

from scmhost.sdk import ProviderError, ProviderUnavailable

_SECONDS: Final = 2.0

# A repository's own configuration is read, for it says how the data is kept. What in it would run a program, ask the
# network or change the form of an answer is overruled.
_OVERRULED: Final = (
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "protocol.allow=never",
    "log.showSignature=false",
    "log.showRoot=true",
    "diff.orderFile=/dev/null",
)
_OPTIONS: Final = (
    "--no-pager",
    "--no-replace-objects",
    "--literal-pathspecs",
    *(word for setting in _OVERRULED for word in ("-c", setting)),
)

# Nothing of this process's environment but where programs are: no GIT_DIR, no settings of a user or of the machine.
_ENVIRONMENT: Final = {
    "LC_ALL": "C",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "",
}
_KEPT: Final = ("PATH", "SYSTEMROOT")


def command(git_dir: Path, *arguments: str) -> list[str]:
    """The words that run git on a repository.

    With its directory named, git neither looks for one above nor asks whose the files are: the operator has said
    where they lie.
    """
    return ["git", f"--git-dir={git_dir}", *_OPTIONS, *arguments]


def environment() -> dict[str, str]:
    """What git's process sees of the world."""
    return {**{name: os.environ[name] for name in _KEPT if name in os.environ}, **_ENVIRONMENT}


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


def answer(git_dir: Path, *arguments: str) -> bytes | None:
    """What a short command prints, or None when git says no.

    Raises:
        ProviderUnavailable: git cannot be started, or takes too long.
    """
    process = start(git_dir, *arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    with process:
        try:
            told, _ = process.communicate(timeout=_SECONDS)
        except subprocess.TimeoutExpired as late:
            process.kill()
            raise ProviderUnavailable(f"git {arguments[0]} took longer than {_SECONDS:g} s") from late
    return told if process.returncode == 0 else None


def check_git() -> None:
    """Look whether git can be run at all.

    Raises:
        ProviderError: it cannot.
    """
    try:
        subprocess.run(["git", "--version"], capture_output=True, check=True, env=environment())  # noqa: S607 - found on PATH
    except (OSError, subprocess.CalledProcessError) as error:
        raise ProviderError("git cannot be run; install it, or put it on the PATH of the service") from error
