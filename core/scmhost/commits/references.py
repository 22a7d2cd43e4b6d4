"""References that users write: issues in a commit's message, and ranges of commits in a ref."""

import re
from typing import Final

from scmhost.infra.limits import Limits

from .errors import InvalidRefs

_MARKDOWN_LINK: Final = re.compile(r"\[([^\[\]]++)\]\([^()\s]*+\)")
_CLAUSE: Final = re.compile(r"\b(?:fix(?:e[sd])?|close[sd]?|resolve[sd]?):?\s++([\w\-,\s]++)", re.IGNORECASE | re.ASCII)
_DOTS: Final = ".."


def issue_ids(message: str) -> tuple[str, ...]:
    """Return the ids of the issues that a message resolves, as in ``Fixes SHOP-12, SHOP-13``.

    They are in upper case and in the order of the text, each once. A line break does not end a list.
    """
    text = _MARKDOWN_LINK.sub(r"\1", message) if "](" in message else message
    if not _may_name_an_issue(text):
        return ()
    words = (word for clause in _CLAUSE.findall(text) for word in clause.replace(",", " ").split())
    return tuple(dict.fromkeys(word.upper() for word in words if _is_issue_id(word)))


def read_range(commit: str, limits: Limits) -> tuple[str | None, str]:
    """Return the base, or None, and the head of a ref's commit. ``1a2b..3c4d`` is a range that begins after ``1a2b``.

    Raises:
        InvalidRefs: it is empty, too long, or neither one commit nor two.
    """
    most = limits.sha_length
    if not commit:
        raise InvalidRefs("Commit is empty; send a sha or a range start..end")
    if _DOTS not in commit:
        return None, _within_limit(commit, most, f"Commit too long - max is {most} chars")
    if commit.startswith(_DOTS) or commit.endswith(_DOTS):
        raise InvalidRefs("Commit cannot begin or end with ..")
    base, _, head = commit.partition(_DOTS)
    if head.startswith(".") or _DOTS in head:
        raise InvalidRefs("Commit has more than one ..; send start..end")
    too_long = f"Start or end commit too long - max is {most} chars each"
    return _within_limit(base, most, too_long), _within_limit(head, most, too_long)


def _may_name_an_issue(text: str) -> bool:
    # Most messages name no issue, and these tests are many times faster than the pattern.
    if "-" not in text:
        return False
    lower = text.lower()
    return "fix" in lower or "close" in lower or "resolve" in lower


def _is_issue_id(word: str) -> bool:
    project, _, short = word.rpartition("-")
    return bool(project) and short.isalnum()


def _within_limit(commit: str, most: int, too_long: str) -> str:
    if len(commit) > most:
        raise InvalidRefs(f"{too_long} (limits.sha_length)")
    return commit
