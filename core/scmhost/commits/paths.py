"""Paths as sentry-cli reads them from libgit2's list of changes, whose marks it takes for a part of them.

libgit2 writes a ``*`` behind the name of an executable file, and a change of mode as the old name and the new one.
"""

from typing import Final

_CHANGES_OF_MODE: Final = ("{0}* {0}", "{0}* {0} ", "{0}*  {0}", "{0}  {0}*", "{0} {0}*")


def plain_path(path: str) -> str:
    """The path without libgit2's marks, as far as they can be told from the path itself."""
    if "*" not in path:
        return path
    # Each of the forms has two names and two or three characters more.
    name = path[: (len(path) - 2) // 2]
    is_change = name and path in (change.format(name) for change in _CHANGES_OF_MODE)
    return name if is_change else path.removesuffix("*") or path
