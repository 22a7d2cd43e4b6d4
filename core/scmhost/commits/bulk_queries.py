"""SQL that saves commits in bulk; saving the same commits again changes nothing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, and_, bindparam, case, func, not_, or_, select, update

from scmhost.infra.db.base import hash_of
from scmhost.infra.db.columns import checked_text
from scmhost.infra.db.engine import Transaction
from scmhost.infra.db.errors import Duplicate, StoreBusy
from scmhost.infra.db.statements import (
    among,
    contested,
    for_driver,
    given,
    insert_unknown,
    know_growth,
    pieces,
    take,
    write,
)
from scmhost.repositories import file_queries
from scmhost.sdk import CommitDraft

from . import queries
from .fields import issue_ids
from .tables import COMMITS, FILE_CHANGES
from .values import ListedCommit, SavedCommits, listed

# For an EXISTS, PostgreSQL may read all changes there are.
_A_CHANGE: Final = (
    select(FILE_CHANGES.c.path_hash)
    .where(FILE_CHANGES.c.organization_id == COMMITS.c.organization_id, FILE_CHANGES.c.commit_id == COMMITS.c.id)
    .limit(1)
    .scalar_subquery()
)
_PARTS: Final[tuple[ColumnElement[bool], ...]] = (
    COMMITS.c.message.is_not(None),
    COMMITS.c.author_id.is_not(None),
    COMMITS.c.dated,
    _A_CHANGE.is_not(None),
)


class KnownCommit(NamedTuple):
    """What is stored of a commit."""

    sha: str
    id: int
    has_message: bool
    has_author: bool
    dated: bool
    has_changes: bool

    def gains_by(self, commit: ListedCommit) -> bool:
        """Whether somebody tells a message, an author or a time that is missing."""
        return (
            not (self.has_message or commit.message is None)
            or not (self.has_author or commit.author_email is None)
            or not (self.dated or commit.timestamp is None)
        )


def unsettled(
    tx: Transaction, organization_id: int, repository_id: int, shas: Iterable[str]
) -> tuple[set[str], list[int]]:
    """Those of the shas that are not known, and the ids of commits that lack something. The others are whole."""
    sent = given(tx, shas)
    mine = (COMMITS.c.organization_id == organization_id) & (COMMITS.c.repository_id == repository_id)
    query = (
        select(sent.c.value, COMMITS.c.id)
        .select_from(sent.outerjoin(COMMITS, mine & (COMMITS.c.sha == sent.c.value)))
        .where(or_(COMMITS.c.id.is_(None), not_(and_(*_PARTS))))
    )
    rows = tx.execute(query).all()
    return {sha for sha, id_ in rows if id_ is None}, [id_ for _, id_ in rows if id_ is not None]


def known_commits(tx: Transaction, organization_id: int, ids: Iterable[int]) -> list[KnownCommit]:
    """What there is of the commits with these ids."""
    query = select(COMMITS.c.sha, COMMITS.c.id, *_PARTS).where(COMMITS.c.organization_id == organization_id)
    rows = (row for piece in pieces(ids) for row in tx.execute(query.where(COMMITS.c.id.in_(piece))))
    return [KnownCommit._make(row) for row in rows]


def ids_of(tx: Transaction, organization_id: int, repository_id: int, shas: Iterable[str]) -> dict[str, int]:
    """The ids of the commits that are known, by sha."""
    query = select(COMMITS.c.sha, COMMITS.c.id).where(
        COMMITS.c.organization_id == organization_id,
        COMMITS.c.repository_id == repository_id,
        among(tx, COMMITS.c.sha, shas),
    )
    return {row.sha: row.id for row in tx.execute(query)}


_TOLD: Final = ("message", "author_id", "committed_at", "dated", "issue_ids")
_COMMIT_COLUMNS: Final = ("organization_id", "repository_id", "id", "sha", *_TOLD)
_CHANGE_COLUMNS: Final = ("organization_id", "commit_id", "path_hash", "path", "type")

_TRIES: Final = 20
# Commits change the same paths again and again.
_PATHS_REMEMBERED: Final = 20_000
_hash: Final = lru_cache(maxsize=_PATHS_REMEMBERED)(hash_of)

_Row = tuple[Any, ...]


class _Sent(NamedTuple):
    """What was sent, and when: each sha once, newest first where no time was told."""

    organization_id: int
    repository_id: int
    commits: Mapping[str, ListedCommit]
    arrived: Mapping[str, datetime]
    now: datetime

    def told(self, sha: str, author_ids: Mapping[str, int]) -> _Row:
        """The columns that a sender tells."""
        commit = self.commits[sha]
        message, time = commit.message, commit.timestamp
        issues = " ".join(issue_ids(message)) if message else ""
        author_id = author_ids.get(commit.author_email or "")
        return message, author_id, time or self.arrived[sha], time is not None, issues or None


def save(
    tx: Transaction,
    organization_id: int,
    repository_id: int,
    commits: Iterable[CommitDraft | ListedCommit],
    now: datetime,
) -> SavedCommits:
    """Save the commits that are not known, and add to known ones what they lack.

    Commits without a time get the present one, a microsecond less for each that stands before, so that the order in
    which they were sent is kept. File changes are added to commits that have none.
    """
    sent = _read(organization_id, repository_id, commits, now)
    for _ in range(_TRIES):
        unknown, lacking = unsettled(tx, organization_id, repository_id, sent.commits)
        new = [sha for sha in sent.commits if sha in unknown]
        if _insert(tx, sent, new):
            _complete(tx, sent, lacking)
            return SavedCommits(tuple(new), known=len(sent.commits) - len(new))
    raise StoreBusy("Others send the same commits just now; send the same request again in a moment.")


def save_bare_commits(tx: Transaction, organization_id: int, pairs: Sequence[tuple[int, str]], now: datetime) -> None:
    """Save commits of which only repository id and sha are known, as a ref names them. Known commits stay as they are.

    Of several commits of a repository the last counts as the newest.
    """
    unique = list(dict.fromkeys(pairs))
    # Where times are equal the higher id counts as newer.
    ids = dict(zip(unique, take(tx, len(unique)), strict=True))
    rows = [
        {
            "organization_id": organization_id,
            "repository_id": repository_id,
            "id": ids[repository_id, sha],
            "sha": sha,
            "committed_at": now,
            "dated": False,
        }
        # In the order of the unique key, in which everyone inserts, so that no two writers block each other.
        for repository_id, sha in sorted(unique)
    ]
    insert_unknown(tx, COMMITS, rows)


def _read(
    organization_id: int, repository_id: int, commits: Iterable[CommitDraft | ListedCommit], now: datetime
) -> _Sent:
    unique: dict[str, ListedCommit] = {}
    for commit in commits:
        unique.setdefault(commit.sha, listed(commit))
    undated = ((place, sha) for place, (sha, commit) in enumerate(unique.items()) if commit.timestamp is None)
    arrived = {sha: now - timedelta(microseconds=place) for place, sha in undated}
    return _Sent(organization_id, repository_id, unique, arrived, now)


def _insert(tx: Transaction, sent: _Sent, shas: Sequence[str]) -> bool:
    """Write new commits with their changes; False when one of them is not new any more."""
    if not shas:
        return True
    author_ids = queries.ensure_authors(tx, sent.organization_id, [sent.commits[sha] for sha in shas])
    # Where times are equal the higher id counts as newer, and the newest are sent first.
    ids = dict(zip(shas, reversed(take(tx, len(shas))), strict=True))
    rows = list(_commits(tx, sent, ids, author_ids))
    try:
        with contested(tx, "A commit has just been saved by another sender."):
            write(tx, COMMITS, _COMMIT_COLUMNS, rows)
    except Duplicate:
        return False
    changes = _changes(sent, ids)
    write(tx, FILE_CHANGES, _CHANGE_COLUMNS, changes)
    _schedule_indexing(tx, sent, changes)
    know_growth(tx, COMMITS, len(rows))
    return True


def _commits(tx: Transaction, sent: _Sent, ids: Mapping[str, int], author_ids: Mapping[str, int]) -> Iterator[_Row]:
    """The rows of new commits in the order of shas, in which everyone inserts, so that no two wait for each other."""
    moment = for_driver(tx, COMMITS.c.committed_at)
    for sha in sorted(ids):
        message, author_id, time, dated, issues = sent.told(sha, author_ids)
        text = message and checked_text(message)
        yield sent.organization_id, sent.repository_id, ids[sha], sha, text, author_id, moment(time), dated, issues


def _complete(tx: Transaction, sent: _Sent, lacking: Sequence[int]) -> None:
    """Add to known commits what they lack, as those do that only a ref named."""
    known = known_commits(tx, sent.organization_id, lacking)
    _fill(tx, sent, [row.sha for row in known if row.gains_by(sent.commits[row.sha])])
    # In the order of their key, in which everyone inserts.
    rows = sorted(_changes(sent, {row.sha: row.id for row in known if not row.has_changes}))
    insert_unknown(tx, FILE_CHANGES, [dict(zip(_CHANGE_COLUMNS, row, strict=True)) for row in rows])
    _schedule_indexing(tx, sent, rows)


def _schedule_indexing(tx: Transaction, sent: _Sent, changes: Sequence[_Row]) -> None:
    """Schedule the indexing of new file changes, which are in the order of their commits."""
    ids = [row[1] for row in (changes[0], changes[-1])] if changes else []
    file_queries.schedule_indexing(tx, sent.organization_id, sent.repository_id, ids, sent.now)


def _fill(tx: Transaction, sent: _Sent, shas: Sequence[str]) -> None:
    """Add message, author and time to commits that came without them."""
    if not shas:
        return
    author_ids = queries.ensure_authors(tx, sent.organization_id, [sent.commits[sha] for sha in shas])
    names = [f"new_{name}" for name in _TOLD]
    rows = [{"key": sha, **dict(zip(names, sent.told(sha, author_ids), strict=True))} for sha in sorted(shas)]
    tx.connection().execute(_filling(sent), rows)


def _filling(sent: _Sent) -> Any:
    mine = (COMMITS.c.organization_id == sent.organization_id) & (COMMITS.c.repository_id == sent.repository_id)
    new = {name: bindparam(f"new_{name}", type_=COMMITS.c[name].type) for name in _TOLD}
    return (
        update(COMMITS)
        .where(mine, COMMITS.c.sha == bindparam("key"))
        .values(
            message=func.coalesce(COMMITS.c.message, new["message"]),
            author_id=func.coalesce(COMMITS.c.author_id, new["author_id"]),
            committed_at=case((_untold(new["dated"]), new["committed_at"]), else_=COMMITS.c.committed_at),
            dated=or_(COMMITS.c.dated, new["dated"]),
            issue_ids=case((COMMITS.c.message.is_(None), new["issue_ids"]), else_=COMMITS.c.issue_ids),
        )
    )


def _untold(told: Any) -> Any:
    """Whether a commit's time is to be that of the sender: it has none of its own, and the sender tells one, or is the
    first to tell the commit at all, in the order of a list.
    """
    return ~COMMITS.c.dated & or_(told, COMMITS.c.message.is_(None))


def _changes(sent: _Sent, ids: Mapping[str, int]) -> list[_Row]:
    """The rows of the commits' changes, by commit."""
    return [
        (sent.organization_id, id_, hash_, change.path, change.type)
        for id_, sha in sorted(zip(ids.values(), ids, strict=True))
        # The first for a path stands.
        for hash_, change in {_hash(change.path): change for change in reversed(sent.commits[sha].changes)}.items()
    ]
