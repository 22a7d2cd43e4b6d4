"""Commits of a payload or of a plugin, grouped by repository and put in order."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final

from msgspec.structs import replace

from scmhost.infra.limits import Limits
from scmhost.sdk import CommitDraft

from .fields import Notes, author_email
from .payload_reader import check_entries, commit_of_entry
from .values import ListedCommit, listed

SKIP_MARK: Final = "#skipsentry"


@dataclass(frozen=True, slots=True)
class CommitList:
    """The commits of a payload.

    Attributes:
        by_repository: commits by the repository's name, newest first; None is for commits that name no repository.
        heads: by the same names, the commit of the sender's checkout.
        notes: sentences for the sender about entries that were changed.
    """

    by_repository: Mapping[str | None, tuple[ListedCommit, ...]]
    heads: Mapping[str | None, str]
    notes: tuple[str, ...] = ()


def read_commits(entries: Any, limits: Limits) -> CommitList:
    """Read the ``commits`` of a payload: those of ``read_body``, or plain JSON.

    Repository names that differ only in case are one repository, in the spelling of the first. If a commit comes twice
    for a repository, the first entry counts.

    Raises:
        InvalidCommits: an entry cannot be accepted.
    """
    notes = Notes()
    names: dict[str, str | None] = {}
    commits: dict[str, dict[str, ListedCommit]] = {}
    for entry in check_entries(entries, limits):
        if entry.message and SKIP_MARK in entry.message:
            continue
        key = (entry.repository or "").casefold()
        names.setdefault(key, entry.repository or None)
        known = commits.setdefault(key, {})
        if entry.sha not in known:
            known[entry.sha] = entry if isinstance(entry, ListedCommit) else commit_of_entry(entry, limits, notes)
    lists = {names[key]: list(known.values()) for key, known in commits.items()}
    return CommitList(
        {name: newest_first(sent) for name, sent in lists.items()},
        {name: head_of(sent) for name, sent in lists.items()},
        notes.all(),
    )


def commits_from_drafts(drafts: Iterable[CommitDraft], limits: Limits) -> tuple[ListedCommit, ...]:
    """Return the commits of a provider's plugin, newest first, under the rules of payloads.

    Each author has a usable address, or the commit has no author.
    """
    return newest_first([_from_draft(draft, limits) for draft in drafts if SKIP_MARK not in (draft.message or "")])


def head_of(sent: Sequence[ListedCommit]) -> str:
    """Return the commit of a checkout from the history that it sent.

    Clients send that commit first. Times do not decide: git keeps the author's time when a commit is rebased. Only a
    list that goes from old to new throughout ends with that commit.
    """
    times = [commit.timestamp for commit in sent if commit.timestamp is not None]
    rises = len(times) == len(sent) and times == sorted(times) and times[0] < times[-1]
    return sent[-1].sha if rises else sent[0].sha


def newest_first(commits: Sequence[ListedCommit]) -> tuple[ListedCommit, ...]:
    """Return the commits by time if each has one, or else in the order sent, which clients keep newest first."""
    if None in [commit.timestamp for commit in commits]:
        return tuple(commits)
    # Python's sort stays stable when reversed: commits of one moment keep their order.
    return tuple(sorted(commits, key=attrgetter("timestamp"), reverse=True))


def _from_draft(draft: CommitDraft, limits: Limits) -> ListedCommit:
    email = author_email(draft.author_email, draft.author_name, limits.author_email_length)
    return replace(listed(draft), author_email=email, author_name=draft.author_name if email else None)
