"""Issues that a commit's message says it resolves: ``Fixes SHOP-12, SHOP-13``."""

import re
from typing import Final

_MARKDOWN_LINK: Final = re.compile(r"\[([^\[\]]++)\]\([^()\s]*+\)")
_CLAUSE: Final = re.compile(r"\b(?:fix(?:e[sd])?|close[sd]?|resolve[sd]?):?\s++([\w\-,\s]++)", re.IGNORECASE | re.ASCII)


def issue_ids(message: str) -> tuple[str, ...]:
    """The issues' ids in upper case, in the order of the text, each once. A line break does not end a list."""
    text = _MARKDOWN_LINK.sub(r"\1", message) if "](" in message else message
    if not _may_name(text):
        return ()
    words = (word for clause in _CLAUSE.findall(text) for word in clause.replace(",", " ").split())
    return tuple(dict.fromkeys(word.upper() for word in words if _is_id(word)))


def _may_name(text: str) -> bool:
    """Most messages name no issue, and this tells many times sooner than the pattern does."""
    if "-" not in text:
        return False
    lower = text.lower()
    return "fix" in lower or "close" in lower or "resolve" in lower


def _is_id(word: str) -> bool:
    project, _, short = word.rpartition("-")
    return bool(project) and short.isalnum()
