"""Commits as clients send them: read, put in order, and told apart by repository."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Final

from scmhost.kernel.limits import Limits
from scmhost.sdk import CommitDraft

from .authors import author_email
from .changes import file_changes
from .notes import Notes
from .wire import WireCommit, parse_commits

SKIP_MARK: Final = "#skipsentry"


@dataclass(frozen=True, slots=True)
class CommitList:
    """What a payload says.

    Attributes:
        by_repository: commits by the repository's name, newest first; None is for commits that name no repository.
        notes: what was read with a change, as sentences for the sender.
    """

    by_repository: Mapping[str | None, tuple[CommitDraft, ...]]
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
    drafts: dict[str, dict[str, CommitDraft]] = {}
    for commit in parse_commits(entries, limits):
        if SKIP_MARK in (commit.get("message") or ""):
            continue
        name = commit.get("repository") or None
        key = (name or "").casefold()
        names.setdefault(key, name)
        known = drafts.setdefault(key, {})
        if commit["id"] not in known:
            known[commit["id"]] = _draft(commit, limits, notes)
    return CommitList({names[key]: newest_first(list(known.values())) for key, known in drafts.items()}, notes.all())


def newest_first(drafts: Sequence[CommitDraft]) -> tuple[CommitDraft, ...]:
    """By time if every commit has one; else in the order sent, which is a guess that invents nothing."""
    times = [draft.timestamp for draft in drafts if draft.timestamp is not None]
    if len(times) < len(drafts):
        return tuple(drafts)
    # Python's sort stays stable when reversed: commits of one moment keep their order.
    by_time = sorted(zip(times, drafts, strict=True), key=itemgetter(0), reverse=True)
    return tuple(draft for _, draft in by_time)


def _draft(commit: WireCommit, limits: Limits, notes: Notes) -> CommitDraft:
    sha, name, told = commit["id"], commit.get("author_name") or None, commit.get("author_email")
    email = author_email(told, name, limits.author_email_length)
    if told and told.strip() and email is None:
        notes.add(
            f"commit {sha}: the author's e-mail address is longer than {limits.author_email_length} characters "
            "(limits.author_email_length); kept without an author"
        )
    return CommitDraft(
        sha=sha,
        message=commit.get("message"),
        author_name=None if email is None else name,
        author_email=email,
        timestamp=commit.get("timestamp"),
        changes=file_changes(sha, commit.get("patch_set"), limits.path_length, notes),
    )
