"""Authors of commits, one for each e-mail address of an organization."""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import select

from scmhost.commits import ListedCommit

from .engine import Transaction
from .history_tables import AuthorRow
from .ids import take
from .statements import among, insert_into, pieces
from .tables import table_of
from .values import Author

TABLE: Final = table_of(AuthorRow)


def ensure(tx: Transaction, organization_id: int, commits: Iterable[ListedCommit]) -> dict[str, int]:
    """The ids of the commits' authors by address. A name that is told replaces the stored one."""
    told = _told_names(commits)
    known = _known(tx, organization_id, told)
    changed = sorted(email for email, name in told.items() if email not in known or name not in (None, known[email][1]))
    if not changed:
        return {email: id_ for email, (id_, _) in known.items()}
    _save(tx, organization_id, {email: told[email] for email in changed})
    return {email: id_ for email, (id_, _) in _known(tx, organization_id, told).items()}


def get_many(tx: Transaction, organization_id: int, ids: Iterable[int]) -> dict[int, Author]:
    """The authors with these ids."""
    query = select(TABLE.c.id, TABLE.c.email, TABLE.c.name).where(TABLE.c.organization_id == organization_id)
    rows = (row for piece in pieces(ids) for row in tx.execute(query.where(TABLE.c.id.in_(piece))))
    return {row.id: Author(row.id, row.name, row.email) for row in rows}


def _told_names(commits: Iterable[ListedCommit]) -> dict[str, str | None]:
    told = [(commit.author_email, commit.author_name) for commit in commits]
    # Commits come newest first: the newest name holds.
    names = {email: name for email, name in reversed(told) if email and name}
    return {email: names.get(email) for email, _ in told if email}


def _known(tx: Transaction, organization_id: int, emails: Iterable[str]) -> dict[str, tuple[int, str | None]]:
    query = select(TABLE.c.email, TABLE.c.id, TABLE.c.name).where(TABLE.c.organization_id == organization_id)
    return {row.email: (row.id, row.name) for row in tx.execute(query.where(among(tx, TABLE.c.email, emails)))}


def _save(tx: Transaction, organization_id: int, names: dict[str, str | None]) -> None:
    ids = take(tx, len(names))
    rows = [
        {"organization_id": organization_id, "id": id_, "email": email, "name": name}
        for id_, (email, name) in zip(ids, names.items(), strict=True)
    ]
    new = insert_into(tx, TABLE)
    told = new.excluded.name
    tx.execute(
        new.on_conflict_do_update(
            index_elements=[TABLE.c.organization_id, TABLE.c.email], set_={"name": told}, where=told.is_not(None)
        ),
        rows,
    )
