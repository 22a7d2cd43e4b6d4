"""Ranges in refs: ``1a2b..3c4d`` is what came after the first commit, up to the second."""

from typing import Final

from scmhost.infra.limits import Limits

from .errors import InvalidRefs

_DOTS: Final = ".."


def read_range(commit: str, limits: Limits) -> tuple[str | None, str]:
    """The base, if there is one, and the head of a ref's commit.

    Raises:
        InvalidRefs: it is empty, too long, or not one commit or two.
    """
    most = limits.sha_length
    if not commit:
        raise InvalidRefs("Commit is empty; send a sha or a range start..end")
    if _DOTS not in commit:
        return None, _fitting(commit, most, f"Commit too long - max is {most} chars")
    if commit.startswith(_DOTS) or commit.endswith(_DOTS):
        raise InvalidRefs("Commit cannot begin or end with ..")
    base, _, head = commit.partition(_DOTS)
    if head.startswith(".") or _DOTS in head:
        raise InvalidRefs("Commit has more than one ..; send start..end")
    too_long = f"Start or end commit too long - max is {most} chars each"
    return _fitting(base, most, too_long), _fitting(head, most, too_long)


def _fitting(commit: str, most: int, too_long: str) -> str:
    if len(commit) > most:
        raise InvalidRefs(f"{too_long} (limits.sha_length)")
    return commit
