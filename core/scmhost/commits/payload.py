"""Commits as clients send them: read, put in order, and told apart by repository."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final

from scmhost.infra.limits import Limits

from .authors import author_email
from .changes import file_changes
from .notes import Notes
from .quick import CheckedCommits
from .values import ListedCommit
from .wire import WireCommit, parse_commits

SKIP_MARK: Final = "#skipsentry"


@dataclass(frozen=True, slots=True)
class CommitList:
    """What a payload says.

    Attributes:
        by_repository: commits by the repository's name, newest first; None is for commits that name no repository.
        heads: by the same names, the commit at which the sender's checkout stood.
        notes: what was read with a change, as sentences for the sender.
    """

    by_repository: Mapping[str | None, tuple[ListedCommit, ...]]
    heads: Mapping[str | None, str]
    notes: tuple[str, ...] = ()


def read_commits(entries: Any, limits: Limits) -> CommitList:
    """Read the ``commits`` of a payload.

    Names of repositories that differ in case only are one repository, spelled as it came first. A commit sent twice
    for a repository counts once; the first entry stands.

    Raises:
        InvalidCommits: an entry cannot be taken.
    """
    notes = Notes()
    names: dict[str, str | None] = {}
    commits: dict[str, dict[str, ListedCommit]] = {}
    for entry in entries if isinstance(entries, CheckedCommits) else parse_commits(entries, limits):
        if entry.message and SKIP_MARK in entry.message:
            continue
        key = (entry.repository or "").casefold()
        names.setdefault(key, entry.repository or None)
        known = commits.setdefault(key, {})
        if entry.sha not in known:
            known[entry.sha] = entry if isinstance(entry, ListedCommit) else _listed(entry, limits, notes)
    lists = {names[key]: list(known.values()) for key, known in commits.items()}
    return CommitList(
        {name: newest_first(sent) for name, sent in lists.items()},
        {name: head_of(sent) for name, sent in lists.items()},
        notes.all(),
    )


def head_of(sent: Sequence[ListedCommit]) -> str:
    """The commit at which a checkout stood, from its history as it was sent.

    Clients begin with it. Its time does not tell: git keeps an author's time when a commit is put on top of others.
    Only a list that goes from old to new throughout ends with it.
    """
    times = [commit.timestamp for commit in sent if commit.timestamp is not None]
    rises = len(times) == len(sent) and times == sorted(times) and times[0] < times[-1]
    return sent[-1].sha if rises else sent[0].sha


def newest_first(commits: Sequence[ListedCommit]) -> tuple[ListedCommit, ...]:
    """By time if every commit has one; else in the order sent, which is a guess that invents nothing."""
    if None in [commit.timestamp for commit in commits]:
        return tuple(commits)
    # Python's sort stays stable when reversed: commits of one moment keep their order.
    return tuple(sorted(commits, key=attrgetter("timestamp"), reverse=True))


def _listed(entry: WireCommit, limits: Limits, notes: Notes) -> ListedCommit:
    told, name = entry.author_email, entry.author_name or None
    email = author_email(told, name, limits.author_email_length)
    if email is None and told and told.strip():
        notes.add(
            f"commit {entry.sha}: the author's e-mail address is longer than {limits.author_email_length} characters "
            "(limits.author_email_length); kept without an author"
        )
    return ListedCommit(
        sha=entry.sha,
        repository=entry.repository or None,
        message=entry.message,
        author_name=None if email is None else name,
        author_email=email,
        timestamp=entry.timestamp,
        changes=file_changes(entry.sha, entry.patch_set, limits.path_length, notes),
    )
