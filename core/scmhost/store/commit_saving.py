"""Saving commits in bulk. Sending them again changes nothing, and two senders at once never save one twice."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any, Final

from sqlalchemy import bindparam, case, func, or_, select, update

from scmhost.commits import issue_ids
from scmhost.sdk import CommitDraft

from . import authors
from .commit_rows import COMMITS
from .engine import Transaction
from .history_tables import FileChangeRow
from .ids import take
from .statements import insert_unknown, pieces
from .tables import table_of
from .values import SavedCommits

_CHANGES: Final = table_of(FileChangeRow)


@dataclass(frozen=True, slots=True)
class _Sent:
    """What was sent: each sha once, with the time it has, newest first where no time was told."""

    organization_id: int
    repository_id: int
    drafts: Mapping[str, CommitDraft]
    author_ids: Mapping[str, int]
    arrived: Mapping[str, datetime]

    def fields(self, sha: str) -> dict[str, Any]:
        draft = self.drafts[sha]
        return {
            "message": draft.message,
            "author_id": self.author_ids.get(authors.address(draft) or ""),
            "committed_at": draft.timestamp or self.arrived[sha],
            "dated": draft.timestamp is not None,
            "issue_ids": " ".join(issue_ids(draft.message or "")) or None,
        }


def save(
    tx: Transaction, organization_id: int, repository_id: int, drafts: Sequence[CommitDraft], now: datetime
) -> SavedCommits:
    """Save the commits that are not known, and add to known ones what they lack.

    Commits without a time get the present one, a microsecond less for each that stands before, so that the order in
    which they were sent is kept.
    """
    sent = _read(tx, organization_id, repository_id, drafts, now)
    known = ids_of(tx, organization_id, repository_id, sent.drafts)
    new, ids = _insert(tx, sent, [sha for sha in sent.drafts if sha not in known])
    _fill(tx, sent, sent.drafts.keys() - set(new))
    _add_changes(tx, sent, known | ids)
    return SavedCommits(tuple(new), known=len(sent.drafts) - len(new))


def ids_of(tx: Transaction, organization_id: int, repository_id: int, shas: Iterable[str]) -> dict[str, int]:
    """The ids of the commits that are known, by sha."""
    query = select(COMMITS.c.sha, COMMITS.c.id).where(
        COMMITS.c.organization_id == organization_id, COMMITS.c.repository_id == repository_id
    )
    rows = (row for piece in pieces(shas) for row in tx.execute(query.where(COMMITS.c.sha.in_(piece))))
    return {row.sha: row.id for row in rows}


def _read(
    tx: Transaction, organization_id: int, repository_id: int, drafts: Sequence[CommitDraft], now: datetime
) -> _Sent:
    unique: dict[str, CommitDraft] = {}
    for draft in drafts:
        unique.setdefault(draft.sha, draft)
    return _Sent(
        organization_id=organization_id,
        repository_id=repository_id,
        drafts=unique,
        author_ids=authors.ensure(tx, organization_id, unique.values()),
        arrived={sha: now - timedelta(microseconds=place) for place, sha in enumerate(unique)},
    )


def _insert(tx: Transaction, sent: _Sent, shas: Sequence[str]) -> tuple[list[str], dict[str, int]]:
    """The shas that were really new, and the ids of all."""
    # Where times are equal the higher id counts as newer, and the newest are sent first.
    own = dict(zip(shas, reversed(take(tx, len(shas))), strict=True))
    keys = {"organization_id": sent.organization_id, "repository_id": sent.repository_id}
    # Everyone inserts in the order of shas, so that no two wait for each other.
    insert_unknown(tx, COMMITS, [keys | {"id": own[sha], "sha": sha} | sent.fields(sha) for sha in sorted(shas)])
    ids = ids_of(tx, sent.organization_id, sent.repository_id, shas)
    return [sha for sha in shas if ids[sha] == own[sha]], ids


def _fill(tx: Transaction, sent: _Sent, shas: Collection[str]) -> None:
    """Add message, author and time to known commits that came without them, as those do that only a ref named."""
    bare = or_(COMMITS.c.message.is_(None), COMMITS.c.author_id.is_(None), COMMITS.c.dated.is_(False))
    query = select(COMMITS.c.sha).where(
        COMMITS.c.organization_id == sent.organization_id, COMMITS.c.repository_id == sent.repository_id, bare
    )
    found = [sha for piece in pieces(shas) for sha in tx.scalars(query.where(COMMITS.c.sha.in_(piece)))]
    rows = [{"key": sha, **{f"new_{name}": value for name, value in sent.fields(sha).items()}} for sha in sorted(found)]
    if rows:
        tx.connection().execute(_filling(sent), rows)


def _filling(sent: _Sent) -> Any:
    mine = (COMMITS.c.organization_id == sent.organization_id) & (COMMITS.c.repository_id == sent.repository_id)
    told = bindparam("new_dated", type_=COMMITS.c.dated.type)
    time = bindparam("new_committed_at", type_=COMMITS.c.committed_at.type)
    issues = bindparam("new_issue_ids", type_=COMMITS.c.issue_ids.type)
    return (
        update(COMMITS)
        .where(mine, COMMITS.c.sha == bindparam("key"))
        .values(
            message=func.coalesce(COMMITS.c.message, bindparam("new_message", type_=COMMITS.c.message.type)),
            author_id=func.coalesce(COMMITS.c.author_id, bindparam("new_author_id", type_=COMMITS.c.author_id.type)),
            committed_at=case((told & ~COMMITS.c.dated, time), else_=COMMITS.c.committed_at),
            dated=or_(COMMITS.c.dated, told),
            issue_ids=case((COMMITS.c.message.is_(None), issues), else_=COMMITS.c.issue_ids),
        )
    )


def _add_changes(tx: Transaction, sent: _Sent, ids: Mapping[str, int]) -> None:
    rows = [
        {
            "organization_id": sent.organization_id,
            "commit_id": ids[sha],
            "path_hash": _hash(change.path),
            "path": change.path,
            "type": change.type,
        }
        for sha in sorted(sent.drafts)
        for change in sorted(sent.drafts[sha].changes, key=lambda change: change.path)
    ]
    insert_unknown(tx, _CHANGES, rows)


def _hash(path: str) -> int:
    """64 bits: among ten thousand paths of a commit two are alike once in a hundred thousand million commits."""
    digest = blake2b(path.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
