"""What is stored of commits that somebody sends."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, and_, not_, or_, select

from scmhost.commits import ListedCommit

from .commit_rows import COMMITS
from .engine import Transaction
from .history_tables import FileChangeRow
from .statements import among, given, pieces
from .tables import table_of

CHANGES: Final = table_of(FileChangeRow)

# For an EXISTS, PostgreSQL may read all changes there are.
_A_CHANGE: Final = (
    select(CHANGES.c.path_hash)
    .where(CHANGES.c.organization_id == COMMITS.c.organization_id, CHANGES.c.commit_id == COMMITS.c.id)
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
