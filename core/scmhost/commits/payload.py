"""Read the commits of a payload, or of a plugin: decoded, checked, grouped by repository and put in order.

msgspec decodes and checks an entry in one step, many times faster than code in Python. Entries that it refuses, and
entries that need a note for the sender, are read again field by field, so that the answer names the problem.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import groupby
from operator import attrgetter
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, TypeVar, cast

from msgspec import Meta, Raw, Struct, field
from msgspec import ValidationError as MsgspecValidationError
from msgspec.json import Decoder
from msgspec.structs import replace
from pydantic import TypeAdapter, ValidationError

from scmhost.infra.clock import in_utc
from scmhost.infra.settings import Limits
from scmhost.sdk import CommitDraft

from .fields import (
    InvalidCommits,
    Notes,
    author_email,
    changes_within,
    file_changes,
    message_within,
    plain_path,
)
from .values import ListedChange, ListedCommit

# Sentry leaves out commits with this mark, too.
SKIP_MARK: Final = "#skipsentry"
# Enough to correct a client; ten thousand entries may have the same problem.
MAX_PROBLEMS: Final = 5

DecodedT = TypeVar("DecodedT")

_BLANK: Final = re.compile(r"[\s\x00-\x1f]")
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
_LIMIT_OF: Final[Mapping[str, str]] = MappingProxyType(
    {"id": "sha_length", "repository": "repository_name_length", "author_name": "author_name_length"}
)

_OBJECT: Final = Decoder(dict[str, Raw])
_LIST: Final = Decoder(list[Raw])
# Times are accepted in the forms of all other fields of the API, which pydantic reads.
_DATETIME: Final = TypeAdapter(datetime)
# A pattern, because "in" takes longer for such bytes.
_NUL_ESCAPE: Final = re.compile(rb"\\u0000")
# msgspec rounds such fractions of a second, and pydantic cuts them.
_LONG_FRACTION: Final = re.compile(rb"\.\d{7}")


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
    kept = (entry for entry in check_entries(entries, limits) if SKIP_MARK not in (entry.message or ""))
    for name, same in groupby(kept, attrgetter("repository")):
        # sentry-cli sends names in lower case, other clients as they are configured.
        key = (name or "").casefold()
        names.setdefault(key, name or None)
        known = commits.setdefault(key, {})
        for entry in same:
            if entry.sha not in known:
                known[entry.sha] = entry if isinstance(entry, ListedCommit) else commit_of_entry(entry, limits, notes)
    lists = {names[key]: list(known.values()) for key, known in commits.items()}
    return CommitList(
        {name: newest_first(sent) for name, sent in lists.items()},
        {name: head_of(sent) for name, sent in lists.items()},
        notes.all(),
    )


def commits_from_drafts(drafts: Iterable[CommitDraft], limits: Limits, notes: Notes) -> tuple[ListedCommit, ...]:
    """Return the commits of a provider's plugin, newest first, under the rules of payloads.

    Each author has a usable address, or the commit has no author. What is cut is added to the notes.
    """
    kept = (draft for draft in drafts if SKIP_MARK not in (draft.message or ""))
    return newest_first([_from_draft(draft, limits, notes) for draft in kept])


def listed(commit: CommitDraft | ListedCommit) -> ListedCommit:
    """Return a plugin's commit as one to save."""
    if isinstance(commit, ListedCommit):
        return commit
    return ListedCommit(
        sha=commit.sha,
        message=commit.message,
        author_name=commit.author_name,
        author_email=(commit.author_email or "").strip().lower() or None,
        timestamp=commit.timestamp,
        changes=tuple(ListedChange(change.path, change.type) for change in commit.changes),
    )


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


def _from_draft(draft: CommitDraft, limits: Limits, notes: Notes) -> ListedCommit:
    email = author_email(draft.author_email, draft.author_name, limits.author_email_length)
    author_name = draft.author_name if email else None
    commit = listed(draft)
    return replace(
        commit,
        message=message_within(draft.sha, draft.message, limits.message_length, notes),
        author_email=email,
        author_name=author_name,
        timestamp=_in_calendar(draft.timestamp),
        changes=changes_within(draft.sha, commit.changes, limits.changes_per_commit, notes),
    )


def _in_calendar(moment: datetime | None) -> datetime | None:
    """Return a commit's time, or None if it is outside the calendar in UTC: git has commits of the year 1."""
    try:
        return None if moment is None else in_utc(moment)
    except ValueError:
        return None


class _FieldProblem(ValueError):
    """A field cannot be accepted. The message has the reason."""


class CommitEntry(Struct, gc=False):
    """One checked entry of ``commits``. ``patch_set`` is unchecked: a bad one does not refuse the commit."""

    sha: str
    repository: str | None = None
    message: str | None = None
    author_name: str | None = None
    author_email: str | None = None
    timestamp: datetime | None = None
    patch_set: Any = None


def read_body(body: bytes, limits: Limits) -> dict[str, Any] | None:
    """Decode a JSON object, and check the entries of its ``commits`` on the way.

    Entries that are ready to be saved become ``ListedCommit``. All other entries and fields stay plain JSON.

    Returns:
        The object's fields, or None if the body is not a JSON object; the default parser then reports the error.
    """
    try:
        return {
            name: _read_entries(raw, limits) if name == "commits" else json.loads(bytes(raw))
            for name, raw in _OBJECT.decode(body).items()
        }
    except (ValueError, RecursionError):
        return None


def are_ready(entries: Sequence[Any]) -> bool:
    """Return whether all entries are ready to be saved. There may be ten thousand, but they have one type."""
    return all(issubclass(kind, ListedCommit) for kind in set(map(type, entries)))


def check_entries(entries: Any, limits: Limits) -> list[ListedCommit | CommitEntry]:
    """Check the entries that are not ready to be saved.

    Raises:
        InvalidCommits: an entry cannot be accepted; the message names the entry, its field and what is wrong.
    """
    if not isinstance(entries, list | tuple):
        raise InvalidCommits("commits: it must be a list")
    if are_ready(entries):
        return list(entries)
    checked: list[ListedCommit | CommitEntry] = []
    problems: list[str] = []
    for number, entry in enumerate(entries):
        if isinstance(entry, ListedCommit):
            checked.append(entry)
        elif isinstance(entry, dict):
            checked.append(_check_entry(f"commits[{number}]", entry, limits, problems))
        else:
            problems.append(f"commits[{number}]: it must be an object")
        if len(problems) >= MAX_PROBLEMS:
            break
    if problems:
        raise InvalidCommits("; ".join(problems[:MAX_PROBLEMS]))
    return checked


def commit_of_entry(entry: CommitEntry, limits: Limits, notes: Notes) -> ListedCommit:
    """Return the commit of a checked entry. Each change that the host makes is added to the notes."""
    sent, name = entry.author_email, entry.author_name or None
    email = author_email(sent, name, limits.author_email_length)
    if email is None and sent and sent.strip():
        notes.add(
            f"commit {entry.sha}: the author's e-mail address is longer than {limits.author_email_length} characters "
            "(limits.author_email_length); kept without an author"
        )
    return ListedCommit(
        sha=entry.sha,
        repository=entry.repository or None,
        message=message_within(entry.sha, entry.message, limits.message_length, notes),
        author_name=None if email is None else name,
        author_email=email,
        timestamp=entry.timestamp,
        changes=changes_within(
            entry.sha,
            file_changes(entry.sha, entry.patch_set, limits.path_length, notes),
            limits.changes_per_commit,
            notes,
        ),
    )


def _read_entries(raw: Raw, limits: Limits) -> Any:
    all_at_once, one_by_one = _decoders(limits)
    data, max_email = bytes(raw), limits.author_email_length
    try:
        return _ready(_decode_plain(data, all_at_once), max_email, may_be_marked=b"*" in data)
    except ValueError:
        pass
    try:
        entries = _LIST.decode(data)
    except MsgspecValidationError:
        return json.loads(data)
    # One odd entry must not make all others slow.
    return [_read_entry(bytes(entry), one_by_one, max_email) for entry in entries]


def _read_entry(entry: bytes, decoder: Decoder[ListedCommit], max_email: int) -> Any:
    try:
        return _ready([_decode_plain(entry, decoder)], max_email)[0]
    except ValueError:
        return json.loads(entry)


def _decode_plain(data: bytes, decoder: Decoder[DecodedT]) -> DecodedT:
    """Decode entries.

    Raises:
        ValueError: msgspec refuses them, or would read them differently.
    """
    if _NUL_ESCAPE.search(data) or _LONG_FRACTION.search(data):
        raise ValueError("odd text")
    return decoder.decode(data)


def _ready(commits: Sequence[ListedCommit], max_email: int, *, may_be_marked: bool = True) -> Sequence[ListedCommit]:
    """Return the commits in the form in which they are saved. ``may_be_marked``: a path may have a mark of libgit2.

    Raises:
        ValueError: a sha is unusual, a name has outer blanks, an address is refused, or a time is impossible.
    """
    # All shas at once, and no call in the loop: there may be ten thousand commits.
    shas = "".join([commit.sha for commit in commits])
    if not shas.isascii() or (shas and not shas.encode().isalnum()):
        raise ValueError("unusual sha")
    if any(name and name != name.strip() for name in {commit.repository for commit in commits}):
        raise ValueError("blanks around a name")
    for commit in commits:
        author = _cached_author(commit.author_email, commit.author_name, max_email)
        if author is None:
            raise ValueError(commit.sha)
        commit.author_email, commit.author_name = author
        if not commit.changes:
            commit.changes = ()
        elif may_be_marked and any("*" in change.path for change in commit.changes):
            commit.changes = tuple(ListedChange(plain_path(each.path), each.type) for each in commit.changes)
        if commit.timestamp is not None and commit.timestamp.tzinfo is not UTC:
            commit.timestamp = in_utc(commit.timestamp)
    return commits


# A few people write most commits.
@lru_cache(maxsize=4096)
def _cached_author(sent: str | None, name: str | None, max_email: int) -> tuple[str | None, str | None] | None:
    """Return the address and the name of an author; None if the entry must be read field by field."""
    email = author_email(sent, name, max_email)
    if (name and name != name.strip()) or (sent and not email):
        return None
    return email, name if email and name else None


@lru_cache(maxsize=8)
def _decoders(limits: Limits) -> tuple[Decoder[Sequence[ListedCommit]], Decoder[ListedCommit]]:
    """Return decoders of a list and of one entry. Their types are made here, because limits are settings."""

    class PlainChange(ListedChange, frozen=True, gc=False):
        path: Annotated[str, Meta(min_length=1, max_length=limits.path_length)]
        type: Literal["A", "M", "D"]

    class PlainCommit(ListedCommit, gc=False):
        sha: Annotated[str, Meta(min_length=1, max_length=limits.sha_length)] = field(name="id")
        repository: Annotated[str, Meta(max_length=limits.repository_name_length)] | None = None
        message: Annotated[str, Meta(max_length=limits.message_length)] | None = None
        author_name: Annotated[str, Meta(max_length=limits.author_name_length)] | None = None
        changes: Annotated[tuple[PlainChange, ...], Meta(max_length=limits.changes_per_commit)] | None = field(
            name="patch_set", default=None
        )  # type: ignore[assignment]

    return cast("Decoder[Sequence[ListedCommit]]", Decoder(list[PlainCommit])), Decoder(PlainCommit)


def _check_entry(place: str, entry: dict[str, Any], limits: Limits, problems: list[str]) -> CommitEntry:
    """Return an entry with its texts and its time checked. Errors are added to the problems."""
    checked: dict[str, Any] = {}
    for name in ("id", "repository", "message", "author_name", "author_email", "timestamp"):
        if entry.get(name) is None and (name != "id" or name not in entry):
            if name == "id":
                problems.append(f"{place}.id: this field is required")
            continue
        try:
            checked[name] = _time(entry[name]) if name == "timestamp" else _text(name, entry[name], limits)
        except ValueError as problem:
            problems.append(f"{place}.{name}: {problem}")
    return CommitEntry(checked.pop("id", ""), **checked, patch_set=entry.get("patch_set"))


def _text(name: str, value: Any, limits: Limits) -> str:
    """Return a text, without outer blanks if the field has a limit.

    Raises:
        _FieldProblem: it cannot be accepted.
    """
    if not isinstance(value, str):
        raise _FieldProblem("it must be text")
    text: str = value
    if not text.isascii() and _SURROGATE.search(text):
        raise _FieldProblem("it has half of a character (a lone surrogate); send valid Unicode")
    if limit := _LIMIT_OF.get(name):
        text = text.strip()
        most = getattr(limits, limit)
        if len(text) > most:
            raise _FieldProblem(f"it is longer than {most} characters (limits.{limit}); shorten it")
    if name == "id" and not text:
        raise _FieldProblem("it is empty; send the id of the commit")
    # PostgreSQL stores no NUL. A sha with a blank could not be part of a URL.
    if "\x00" in text or (name == "id" and _BLANK.search(text)):
        odd = "blank or a control character" if name == "id" else "NUL character"
        raise _FieldProblem(f"it has a {odd}; leave such characters out")
    return text


def _time(value: Any) -> datetime | None:
    """Return a time in UTC; None for a blank text.

    Raises:
        ValueError: it is not a time, or it is outside the calendar in UTC.
    """
    if isinstance(value, str) and not value.strip():
        return None
    try:
        moment = _DATETIME.validate_python(value)
    except ValidationError:
        raise _FieldProblem("it is not a time; send it like 2024-05-06T07:08:09+02:00") from None
    return in_utc(moment)
