"""Whether plugins.toml in the working directory is the operator's own: it decides which code runs."""

import os
from pathlib import Path
from stat import S_IWGRP, S_IWOTH
from typing import Final

from scmhost.plugins.errors import ConfigError, Problem

_CHECKOUT_FOLDERS: Final = (".git", ".hg", ".jj", ".svn")


def check_ownership(path: Path) -> None:
    """Check a file that nobody named. A file that does not exist is fine.

    Raises:
        ConfigError: it may be from others. It is in a checkout, which contains what others wrote; it has another owner
            than this user or root; or others may write to it.
    """
    if not path.exists():
        return
    problem = _problem(path)
    if problem:
        hint = f"if it is yours, name it: --config {path}, or SCMHOST_CONFIG in the environment"
        raise ConfigError(Problem(str(path), None, "", f"the file is not read: {problem}", hint))


def _problem(path: Path) -> str | None:
    folder = _checkout_of(path.absolute().parent) or _checkout_of(path.resolve().parent)
    if folder:
        return f"it is in the checkout {folder}, whose files may be from others"
    # Windows has neither user ids nor these bits.
    if not hasattr(os, "geteuid"):
        return None
    status = path.stat()
    if status.st_uid not in (0, os.geteuid()):
        return f"it belongs to another user, with the id {status.st_uid}"
    # With a group of each user's own, editors often make files that the group may write to.
    shared = status.st_mode & S_IWGRP and status.st_gid not in (0, os.getegid())
    return "others may write to it" if shared or status.st_mode & S_IWOTH else None


def _checkout_of(folder: Path) -> Path | None:
    folders = (folder, *folder.parents)
    return next((top for top in folders if any((top / name).exists() for name in _CHECKOUT_FOLDERS)), None)
