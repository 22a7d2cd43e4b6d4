"""SQL that saves commits in bulk; saving the same commits again changes nothing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import chain, repeat
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, and_, bindparam, case, delete, func, not_, or_, select, update
from sqlalchemy.exc import IntegrityError

from scmhost.infra.db.base import AnySelect, hash_of
from scmhost.infra.db.drivers import write
from scmhost.infra.db.engine import Transaction
from scmhost.infra.db.errors import Duplicate, StoreBusy, kind_of
from scmhost.infra.db.statements import (
    DriverQuery,
    analyze_if_grown,
    batches,
    check_texts,
    driver_converter,
    duplicates,
    duplicates_if_concurrent,
    in_values,
    insert_missing,
    new_ids,
    text_list,
    texts_parameter,
)
from scmhost.repositories import file_queries
from scmhost.repositories.manage import GRACE
from scmhost.repositories.tables import REPOSITORIES
from scmhost.sdk import CommitDraft, RepositoryStatus

from . import queries
from .fields import issue_ids
from .payload import listed
from .tables import COMMITS, FILE_CHANGES
from .values import ListedCommit, SavedCommits

# A scalar subquery, because for an EXISTS PostgreSQL may read the whole table of changes.
_A_CHANGE: Final = (
    select(FILE_CHANGES.c.path_hash)
    .where(FILE_CHANGES.c.organization_id == COMMITS.c.organization_id, FILE_CHANGES.c.commit_id == COMMITS.c.id)
    .limit(1)
    .scalar_subquery()
)
# In the order of the last fields of StoredParts, which reads them by position.
_IS_KNOWN: Final[tuple[ColumnElement[bool], ...]] = (
    COMMITS.c.message.is_not(None),
    COMMITS.c.author_id.is_not(None),
    COMMITS.c.dated,
    _A_CHANGE.is_not(None),
)


class StoredParts(NamedTuple):
    """A stored commit, and which of its parts are known."""

    sha: str
    id: int
    has_message: bool
    has_author: bool
    dated: bool
    has_changes: bool

    def is_completed_by(self, commit: ListedCommit) -> bool:
        """Return whether a sent commit has a message, an author or a time that is missing here."""
        return (
            not (self.has_message or commit.message is None)
            or not (self.has_author or commit.author_email is None)
            or not (self.dated or commit.timestamp is None)
        )


def unknown_and_incomplete(
    tx: Transaction, organization_id: int, repository_id: int, shas: Iterable[str]
) -> tuple[set[str], list[int]]:
    """Return the shas that are unknown, and the ids of known commits of which a part is missing."""
    dialect = tx.get_bind().dialect.name
    values = {"organization": organization_id, "repository": repository_id, "shas": text_list(dialect, shas)}
    rows = _UNKNOWN_AND_INCOMPLETE.rows(tx, values)
    return {sha for sha, id_ in rows if id_ is None}, [id_ for _, id_ in rows if id_ is not None]


def _unknown_and_incomplete(dialect: str) -> AnySelect:
    # One parameter for all shas: ten thousand would be more than a statement may have.
    sent, columns = texts_parameter(dialect, "shas"), COMMITS.c
    own = (columns.organization_id == bindparam("organization")) & (columns.repository_id == bindparam("repository"))
    return (
        select(sent.c.value, columns.id)
        .select_from(sent.outerjoin(COMMITS, own & (columns.sha == sent.c.value)))
        .where(or_(columns.id.is_(None), not_(and_(*_IS_KNOWN))))
    )


_UNKNOWN_AND_INCOMPLETE: Final = DriverQuery(_unknown_and_incomplete)


def stored_parts(tx: Transaction, organization_id: int, ids: Iterable[int]) -> list[StoredParts]:
    """Return which parts of the commits with these ids are known."""
    query = select(COMMITS.c.sha, COMMITS.c.id, *_IS_KNOWN).where(COMMITS.c.organization_id == organization_id)
    rows = (row for piece in batches(ids) for row in tx.execute(query.where(COMMITS.c.id.in_(piece))))
    return [StoredParts._make(row) for row in rows]


def ids_of(tx: Transaction, organization_id: int, repository_id: int, shas: Iterable[str]) -> dict[str, int]:
    """Return the ids of known commits, by sha."""
    query = select(COMMITS.c.sha, COMMITS.c.id).where(
        COMMITS.c.organization_id == organization_id,
        COMMITS.c.repository_id == repository_id,
        in_values(tx, COMMITS.c.sha, shas),
    )
    return {row.sha: row.id for row in tx.execute(query)}


_SENT_COLUMNS: Final = ("message", "author_id", "committed_at", "dated", "issue_ids")
_COMMIT_COLUMNS: Final = ("organization_id", "repository_id", "id", "sha", *_SENT_COLUMNS)
_CHANGE_COLUMNS: Final = ("organization_id", "commit_id", "path_hash", "path", "type")
_CHANGE_KEY: Final = 3
"""How many of these columns are the key."""

# With fewer commits a look at both ends takes as long as a search for all of them.
_MANY: Final = 100
_SHAS_AT_EACH_END: Final = 3
_SAVED_BEFORE: Final = "One of the commits was saved before."
# Each try that fails needs another sender that saved one of the same shas in between.
_TRIES: Final = 20
# Commits change the same paths again and again.
_CACHED_PATHS: Final = 20_000


class _Hashes(dict[str, int]):
    """The hashes of paths. ``lru_cache`` takes several times as long for a look-up."""

    def __missing__(self, path: str) -> int:
        if len(self) >= _CACHED_PATHS:
            self.clear()
        found = self[path] = hash_of(path)
        return found


_HASHES: Final = _Hashes()

_Row = tuple[Any, ...]
_Authors = Mapping[str, tuple[int, str | None]]


class _Sent(NamedTuple):
    """The commits that were sent, each sha once, and the times of arrival of those without a time."""

    organization_id: int
    repository_id: int
    commits: Mapping[str, ListedCommit]
    arrived: Mapping[str, datetime]
    now: datetime

    def columns(self, shas: Sequence[str], authors: _Authors) -> tuple[list[Any], ...]:
        """Return the values of ``_SENT_COLUMNS`` for the shas, column by column."""
        commits = [self.commits[sha] for sha in shas]
        messages = [commit.message for commit in commits]
        author_ids: dict[str | None, int] = {email: id_ for email, (id_, _) in authors.items()}
        # No database adapter checks these texts on their way. All at once is much faster than one by one.
        check_texts(message for message in messages if message)
        return (
            messages,
            [author_ids.get(commit.author_email) for commit in commits],
            [commit.timestamp or self.arrived[commit.sha] for commit in commits],
            [commit.timestamp is not None for commit in commits],
            # The id of an issue has a hyphen, which few messages have.
            [" ".join(issue_ids(text)) or None if text and "-" in text else None for text in messages],
        )

    def newest(self, shas: Sequence[str], ids: Mapping[str, int]) -> tuple[datetime, int, int] | None:
        """Return the time, the negative place and the id of the newest of these commits; of equal times the first."""
        times = [self.commits[sha].timestamp or self.arrived[sha] for sha in shas]
        if not times:
            return None
        place = times.index(max(times))
        return times[place], -place, ids[shas[place]]


def save(
    tx: Transaction,
    organization_id: int,
    repository_id: int,
    commits: Iterable[CommitDraft | ListedCommit],
    now: datetime,
) -> SavedCommits:
    """Save the commits that are unknown, and add to known ones the parts that are missing.

    Commits without a time get the present one, less a microsecond for each commit before them in the list, so that
    their order is kept. File changes are added to commits that have none.

    Raises:
        StoreBusy: other senders saved the same commits again and again meanwhile.
    """
    sent = _read(organization_id, repository_id, commits, now)
    for number in range(_TRIES):
        is_guess = number == 0 and _seems_new(tx, sent)
        # Without a search all of them count as unknown.
        sought = () if is_guess else sent.commits
        unknown, incomplete = unknown_and_incomplete(tx, organization_id, repository_id, sought)
        new = [sha for sha in sent.commits if is_guess or sha in unknown]
        # Authors first, in every transaction: senders that lock in one order never block each other.
        authors = queries.ensure_authors(tx, organization_id, [sent.commits[sha] for sha in new]) if new else {}
        ids = _insert(tx, sent, new, authors, is_guess=is_guess)
        if ids is not None:
            _complete(tx, sent, incomplete)
            known = len(sent.commits) - len(new)
            return SavedCommits(tuple(new), known, ids, authors, sent.newest(new, ids))
    raise StoreBusy("Other clients send the same commits now; send the request again in a moment.")


def save_bare_commits(tx: Transaction, organization_id: int, pairs: Sequence[tuple[int, str]], now: datetime) -> None:
    """Save commits of which only repository id and sha are known, as a ref names them. Known commits stay as they are.

    Of several commits of a repository the last counts as the newest.
    """
    unique = list(dict.fromkeys(pairs))
    # Of equal times the higher id counts as newer.
    ids = dict(zip(unique, new_ids(tx, len(unique)), strict=True))
    rows = [
        {
            "organization_id": organization_id,
            "repository_id": repository_id,
            "id": ids[repository_id, sha],
            "sha": sha,
            "committed_at": now,
            "dated": False,
        }
        # In the order of the unique key, in which every writer inserts, so that no two block each other.
        for repository_id, sha in sorted(unique)
    ]
    insert_missing(tx, COMMITS, rows)
    _give_grace(tx, organization_id, {repository_id for repository_id, _ in unique}, now)


def _give_grace(tx: Transaction, organization_id: int, repository_ids: Iterable[int], now: datetime) -> None:
    """Postpone the deletion of repositories that have just got commits, if it was scheduled meanwhile.

    On PostgreSQL a sender of commits may have found a repository before it was deleted as an empty one. On SQLite there
    is one writer at a time.
    """
    if tx.get_bind().dialect.name == "sqlite":
        return
    until, columns = now + GRACE, REPOSITORIES.c
    own = (columns.organization_id == organization_id) & (columns.delete_after < until)
    pending = own & (columns.status == RepositoryStatus.PENDING_DELETION.value)
    for piece in batches(sorted(repository_ids)):
        tx.execute(update(REPOSITORIES).where(pending, columns.id.in_(piece)).values(delete_after=until))


def _read(
    organization_id: int, repository_id: int, commits: Iterable[CommitDraft | ListedCommit], now: datetime
) -> _Sent:
    unique: dict[str, ListedCommit] = {}
    for commit in commits:
        unique.setdefault(commit.sha, listed(commit))
    undated = ((index, sha) for index, (sha, commit) in enumerate(unique.items()) if commit.timestamp is None)
    arrived = {sha: now - timedelta(microseconds=index) for index, sha in undated}
    return _Sent(organization_id, repository_id, unique, arrived, now)


def _seems_new(tx: Transaction, sent: _Sent) -> bool:
    """Return whether all of many commits are probably new, so that looking for them would be in vain."""
    if len(sent.commits) < _MANY:
        return False
    # Of a history that continues the newest or the oldest ones are known.
    shas = list(sent.commits)
    ends = {*shas[:_SHAS_AT_EACH_END], *shas[-_SHAS_AT_EACH_END:]}
    return unknown_and_incomplete(tx, sent.organization_id, sent.repository_id, ends)[0] == ends


def _insert(
    tx: Transaction, sent: _Sent, shas: Sequence[str], authors: _Authors, *, is_guess: bool
) -> dict[str, int] | None:
    """Insert new commits with their changes. Return their ids; None: one of them is known.

    Unless it is a guess that they are new, another sender has saved it meanwhile.
    """
    if not shas:
        return {}
    # Of equal times the higher id counts as newer, and clients send the newest first.
    ids = dict(zip(shas, reversed(new_ids(tx, len(shas))), strict=True))
    try:
        with _guessing(tx, sent, ids) if is_guess else duplicates_if_concurrent(tx, _SAVED_BEFORE):
            # A plain insert, COPY on PostgreSQL, is much faster than ON CONFLICT. Duplicates are rare, because known
            # shas were left out above.
            write(tx, COMMITS, _COMMIT_COLUMNS, _commits(tx, sent, ids, authors))
    except Duplicate:
        return None
    write(tx, FILE_CHANGES, _CHANGE_COLUMNS, _changes(sent, ids), unique=_CHANGE_KEY, appended=True)
    with_files = [id_ for sha, id_ in ids.items() if sent.commits[sha].changes]
    file_queries.schedule_indexing(tx, sent.organization_id, sent.repository_id, with_files, sent.now)
    _give_grace(tx, sent.organization_id, [sent.repository_id], sent.now)
    analyze_if_grown(tx, COMMITS, len(ids))
    return ids


@contextmanager
def _guessing(tx: Transaction, sent: _Sent, ids: Mapping[str, int]) -> Iterator[None]:
    """Do the same as ``duplicates`` for an insert of commits. On SQLite a savepoint would copy each changed page."""
    if tx.get_bind().dialect.name != "sqlite":
        with duplicates(tx, _SAVED_BEFORE):
            yield
        return
    try:
        yield
    except IntegrityError as error:
        if kind_of(error) is not Duplicate:
            raise
        new = COMMITS.c.id.between(min(ids.values()), max(ids.values()))
        tx.execute(delete(COMMITS).where(COMMITS.c.organization_id == sent.organization_id, new))
        raise Duplicate(_SAVED_BEFORE) from error


def _commits(tx: Transaction, sent: _Sent, ids: Mapping[str, int], authors: _Authors) -> Iterator[_Row]:
    """Return the rows of new commits."""
    # In the order of shas, in which every writer inserts, so that no two block each other.
    shas = sorted(ids)
    messages, author_ids, times, dated, issues = sent.columns(shas, authors)
    moments = map(driver_converter(tx, COMMITS.c.committed_at), times)
    organization_id, repository_id = repeat(sent.organization_id), repeat(sent.repository_id)
    own_ids = map(ids.__getitem__, shas)
    return zip(
        organization_id, repository_id, own_ids, shas, messages, author_ids, moments, dated, issues, strict=False
    )


def _complete(tx: Transaction, sent: _Sent, incomplete: Sequence[int]) -> None:
    """Add the missing parts to known commits. A commit that only a ref names has its sha alone."""
    if not incomplete:
        return
    known = stored_parts(tx, sent.organization_id, incomplete)
    _fill(tx, sent, [row.sha for row in known if row.is_completed_by(sent.commits[row.sha])])
    changes = _changes(sent, {row.sha: row.id for row in known if not row.has_changes})
    # In the order of the key, in which every writer inserts, so that no two block each other. Of several changes for
    # one path the first counts.
    rows = sorted(changes, key=lambda row: row[:_CHANGE_KEY])
    insert_missing(tx, FILE_CHANGES, [dict(zip(_CHANGE_COLUMNS, row, strict=True)) for row in rows])
    with_files = {id_ for _, id_, *_ in rows}
    file_queries.schedule_indexing(tx, sent.organization_id, sent.repository_id, with_files, sent.now)


def _fill(tx: Transaction, sent: _Sent, shas: Sequence[str]) -> None:
    """Add message, author and time to commits that came without them."""
    if not shas:
        return
    authors = queries.ensure_authors(tx, sent.organization_id, [sent.commits[sha] for sha in shas])
    names = [f"new_{name}" for name in _SENT_COLUMNS]
    ordered = sorted(shas)
    rows = [
        {"key": sha, **dict(zip(names, row, strict=True))}
        for sha, row in zip(ordered, zip(*sent.columns(ordered, authors), strict=True), strict=True)
    ]
    tx.connection().execute(_fill_statement(sent), rows)


def _fill_statement(sent: _Sent) -> Any:
    own = (COMMITS.c.organization_id == sent.organization_id) & (COMMITS.c.repository_id == sent.repository_id)
    new = {name: bindparam(f"new_{name}", type_=COMMITS.c[name].type) for name in _SENT_COLUMNS}
    return (
        update(COMMITS)
        .where(own, COMMITS.c.sha == bindparam("key"))
        .values(
            message=func.coalesce(COMMITS.c.message, new["message"]),
            # Unlike on Sentry, a stored part is never replaced: an old build that runs again must not undo a newer one.
            author_id=func.coalesce(COMMITS.c.author_id, new["author_id"]),
            committed_at=case((_takes_time(new["dated"]), new["committed_at"]), else_=COMMITS.c.committed_at),
            dated=or_(COMMITS.c.dated, new["dated"]),
            # The issues are those of the stored message, which may be another than the sent one.
            issue_ids=case((COMMITS.c.message.is_(None), new["issue_ids"]), else_=COMMITS.c.issue_ids),
        )
    )


def _takes_time(dated: Any) -> Any:
    """Return the condition for a commit that takes the time of the sender.

    It has no time of its own yet. The sender sends one, or is the first to send the commit with a message, so that
    its order in the list counts.
    """
    return ~COMMITS.c.dated & or_(dated, COMMITS.c.message.is_(None))


def _changes(sent: _Sent, ids: Mapping[str, int]) -> Iterator[_Row]:
    """Return the rows of the commits' changes, in the order of commit ids. A path may come twice for a commit."""
    ordered = sorted(zip(ids.values(), ids, strict=True))
    lists = [sent.commits[sha].changes for _, sha in ordered]
    # There may be thirty thousand. Column by column they take half the time.
    changes = list(chain.from_iterable(lists))
    commit_ids = chain.from_iterable(repeat(id_, len(found)) for (id_, _), found in zip(ordered, lists, strict=True))
    paths = [change.path for change in changes]
    types = [change.type for change in changes]
    return zip(repeat(sent.organization_id), commit_ids, map(_HASHES.__getitem__, paths), paths, types, strict=False)
