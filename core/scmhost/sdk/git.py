"""Run git safely in an untrusted repository: nothing in it can start a program, use the network or change the output.

A repository's own configuration describes its storage, so that git must read it. It may also name programs: monitors,
hooks, filters, pagers, helpers for remotes. These settings override all that have a fixed name. Filters and drivers for
diffs have free names, so that callers must not use commands that run them: no ``status``, no ``diff`` of files on disk,
no ``cat-file --filters``, and ``log`` only without patches.
"""

import os
from collections.abc import Mapping
from typing import Final

_SETTINGS: Final = (
    # A folder of a checkout may look like a bare repository with a configuration of its own.
    "safe.bareRepository=explicit",
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.attributesFile=/dev/null",
    "core.excludesFile=/dev/null",
    "core.pager=cat",
    "core.askPass=",
    "core.sshCommand=false",
    "core.gitProxy=",
    "core.alternateRefsCommand=",
    "core.quotePath=false",
    "credential.helper=",
    "protocol.allow=never",
    "gpg.program=false",
    "log.showSignature=false",
    "log.showRoot=true",
    "log.mailmap=false",
    "diff.orderFile=/dev/null",
    "submodule.recurse=false",
    "gc.auto=0",
    "maintenance.auto=false",
    # A hint about the empty file of grafts below.
    "advice.graftFileDeprecated=false",
)
GIT_OPTIONS: Final = (
    "--no-pager",
    # Code hosts do not apply replacements.
    "--no-replace-objects",
    "--literal-pathspecs",
    *(word for setting in _SETTINGS for word in ("-c", setting)),
)
"""Options of git that stand before the name of a command."""

_ENVIRONMENT: Final = {
    # Messages in English, because errors are recognized by them.
    "LC_ALL": "C",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    # The repository may be read-only, and another git may be running in it.
    "GIT_OPTIONAL_LOCKS": "0",
    # A partial clone would fetch missing objects from its remote.
    "GIT_NO_LAZY_FETCH": "1",
    # Code hosts take the parents of a commit from the commit alone.
    "GIT_GRAFT_FILE": os.devnull,
    # Stronger than any setting, such as protocol.ext.allow=always.
    "GIT_ALLOW_PROTOCOL": "",
}
_WITHOUT_SETTINGS: Final = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_CONFIG_GLOBAL": os.devnull,
}
_PASSED_ON: Final = ("PATH", "SYSTEMROOT")


def git_command(*arguments: str) -> list[str]:
    """Return the command line of a git command that is safe in any repository."""
    return ["git", *GIT_OPTIONS, *arguments]


def git_environment(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of git's process.

    Args:
        environ: the variables of a user whose own settings apply. By default only the search path is passed on: no
            GIT_DIR, and no settings of the user or the machine.
    """
    if environ is not None:
        return {**environ, **_ENVIRONMENT}
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return {**passed_on, **_WITHOUT_SETTINGS, **_ENVIRONMENT}
