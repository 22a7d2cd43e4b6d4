"""Run git: its arguments, its environment, and the errors of a process."""

import os
import subprocess
from pathlib import Path
from typing import Final

from scmhost.sdk import ProviderError, ProviderUnavailable

_SECONDS: Final = 2.0

# Git reads the repository's own configuration, because it describes the storage format. These settings override what in
# it could run a program, use the network or change the output.
_OVERRIDES: Final = (
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
    *(word for setting in _OVERRIDES for word in ("-c", setting)),
)

# Only the search path of this process's environment is passed on: no GIT_DIR, no settings of the user or the machine.
_ENVIRONMENT: Final = {
    # Messages in English, also in the log of a machine with another language.
    "LC_ALL": "C",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    # The repositories belong to another program, and may be read-only.
    "GIT_OPTIONAL_LOCKS": "0",
    # A partial clone would fetch missing objects from its remote.
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "",
}
_PASSED_ON: Final = ("PATH", "SYSTEMROOT")


def command(git_dir: Path, *arguments: str) -> list[str]:
    """Return the command line that runs git on a repository.

    With ``--git-dir``, git neither searches parent directories nor checks the owner of the files: the operator has
    configured the directory.
    """
    return ["git", f"--git-dir={git_dir}", *_OPTIONS, *arguments]


def environment() -> dict[str, str]:
    """Return the environment of git's process."""
    return {**{name: os.environ[name] for name in _PASSED_ON if name in os.environ}, **_ENVIRONMENT}


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


def output(git_dir: Path, *arguments: str) -> bytes | None:
    """Return the output of a short command, or None if git fails.

    Raises:
        ProviderUnavailable: git cannot be started, or takes too long.
    """
    process = start(git_dir, *arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    with process:
        try:
            printed, _ = process.communicate(timeout=_SECONDS)
        except subprocess.TimeoutExpired as late:
            process.kill()
            raise ProviderUnavailable(f"git {arguments[0]} took longer than {_SECONDS:g} s") from late
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
