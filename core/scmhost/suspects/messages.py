"""Read what a commit's message says of the commit: words, a merge, a revert, or a change without effect."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from .values import Change

_WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_SHORTEST: Final = 3
_REVERTED: Final = re.compile(r"\b[Rr]everts? commit ([0-9a-f]{7,64})\b")
_REVERT: Final = frozenset({"revert", "reverts", "reverted", "reverting"})
_MERGED: Final = frozenset({"branch", "pull", "request", "remote", "tracking", "tag", "branches"})
# A single common word does not identify a commit.
_LEAST_WORDS: Final = 2


def words_of(text: str) -> frozenset[str]:
    """Return the words of a text or of identifiers in it, in lower case, each of at least three letters."""
    return frozenset(word.lower() for word in _WORD.findall(text) if len(word) >= _SHORTEST)


_COSMETIC: Final = words_of(
    "format formatting reformat cosmetic cosmetics whitespace whitespaces indentation spaces trailing tabs typo typos "
    "spelling comment comments doc docs documentation javadoc javadocs docstring docstrings license copyright version "
    "checkstyle pmd findbugs lint warnings import imports changelog"
)


def change_of(
    sha: str, time: float, message: str, files: Mapping[str, str], *, in_release: bool | None = None
) -> Change:
    """Return a commit from its message and its changed files.

    Stored changes have no renames: a file that is added while one of the same name is deleted counts as renamed.
    """
    reverted = _REVERTED.search(message)
    subject = message.strip().partition("\n")[0]
    gone = {path.rpartition("/")[2] for path, kind in files.items() if kind == "D"}
    kinds = {path: "R" if kind == "A" and path.rpartition("/")[2] in gone else kind for path, kind in files.items()}
    return Change(sha, time, words_of(subject), kinds, in_release, reverted[1] if reverted else None)


def is_merge(commit: Change) -> bool:
    """Return whether the message is that of a merge."""
    return "merge" in commit.words and not _MERGED.isdisjoint(commit.words)


def is_cosmetic(commit: Change) -> bool:
    """Return whether the message says that nothing changes at run time."""
    return not _COSMETIC.isdisjoint(commit.words)


def reverted_by(commits: Iterable[Change]) -> dict[str, str]:
    """Return the commits whose changes were undone, each with the commit that undid it.

    A revert that was itself reverted undoes nothing, so that the first commit counts again.
    """
    oldest_first = sorted(commits, key=lambda commit: commit.time)
    undone: dict[str, str] = {}
    for at in range(len(oldest_first) - 1, -1, -1):
        commit = oldest_first[at]
        if commit.sha not in undone and (commit.reverts or not _REVERT.isdisjoint(commit.words)):
            target = _target(commit, oldest_first[:at])
            if target:
                undone[target] = commit.sha
    return undone


def _target(revert: Change, older: Sequence[Change]) -> str | None:
    """Return the commit that a revert undoes: by its id, else the newest one with the same words."""
    if revert.reverts:
        return next((commit.sha for commit in reversed(older) if commit.sha.startswith(revert.reverts)), None)
    words = revert.words - _REVERT
    if len(words) < _LEAST_WORDS:
        return None
    return next((commit.sha for commit in reversed(older) if commit.words - _REVERT == words), None)
