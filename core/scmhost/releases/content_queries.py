"""SQL of the commits and heads of a release. A head is the sha of a repository that a ref names."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import cache
from types import MappingProxyType
from typing import Final

from sqlalchemy import (
    ColumnElement,
    Executable,
    Table,
    UpdateBase,
    and_,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from scmhost.commits import bulk_queries
from scmhost.commits.queries import commit_of, commits_of
from scmhost.commits.tables import COMMITS
from scmhost.commits.values import SavedCommits, StoredCommit
from scmhost.infra.db.base import AnyRow, Id, insert_for
from scmhost.infra.db.engine import Transaction
from scmhost.infra.db.statements import (
    DriverQuery,
    KeyQuery,
    SortKey,
    fetch_page,
    number_list,
    numbered_parameter,
    ordered,
)
from scmhost.infra.errors import NotFound
from scmhost.infra.paging import Page, PageQuery
from scmhost.repositories import queries as repository_queries

from .tables import RELEASE_COMMITS, RELEASE_HEADS, RELEASES
from .values import Head, Release

_IN_LIST: Final = and_(
    RELEASE_COMMITS.c.organization_id == COMMITS.c.organization_id, RELEASE_COMMITS.c.commit_id == COMMITS.c.id
)
# Commits of several repositories are merged by time; the position keeps the order of commits of one moment.
_NEWEST_FIRST: Final = (
    SortKey(COMMITS.c.committed_at, descending=True),
    SortKey(RELEASE_COMMITS.c.position),
    SortKey(COMMITS.c.id, descending=True),
)


def set_commits(
    tx: Transaction, organization_id: int, release_id: int, repository_id: int, commit_ids: Iterable[int]
) -> None:
    """Replace a release's list of one repository's commits, newest first; other repositories' lists stay.

    Raises:
        NotFound: there is no such release.
    """
    # Two lists at once would otherwise both delete the old rows and insert their own: a mixed list, or a violated key.
    _lock(tx, organization_id, release_id)
    tx.execute(delete(RELEASE_COMMITS).where(_list_of(organization_id, release_id, repository_id)))
    _insert_list(tx, organization_id, release_id, repository_id, commit_ids)
    refresh(tx, organization_id, release_id)


def add_commits(
    tx: Transaction, organization_id: int, release_id: int, repository_id: int, commit_ids: Iterable[int]
) -> None:
    """Put commits before those that the release already lists of a repository, each once."""
    # Before the read, so that no other writer changes the list that is written back.
    _lock(tx, organization_id, release_id)
    in_list = _list_of(organization_id, release_id, repository_id)
    listed = tx.scalars(select(RELEASE_COMMITS.c.commit_id).where(in_list).order_by(RELEASE_COMMITS.c.position)).all()
    set_commits(tx, organization_id, release_id, repository_id, [*commit_ids, *listed])


def set_shas(
    tx: Transaction,
    release: Release,
    repository_id: int,
    shas: Sequence[str],
    *,
    join: bool,
    known: Mapping[str, int] = MappingProxyType({}),
) -> None:
    """Make saved commits the release's list of a repository.

    Args:
        tx: the transaction.
        release: the release.
        repository_id: the repository.
        shas: the commits, newest first.
        join: keep the commits that the list already has, because several projects send their own lists.
        known: the ids of those commits whose ids need not be read.
    """
    others = [sha for sha in shas if sha not in known]
    ids = {**known, **(bulk_queries.ids_of(tx, release.organization_id, repository_id, others) if others else {})}
    # On Sentry the second project's list replaces the first one's.
    save = add_commits if join else set_commits
    save(tx, release.organization_id, release.id, repository_id, [ids[sha] for sha in shas])


def fill(tx: Transaction, release: Release, lists: Mapping[int, tuple[Sequence[str], SavedCommits]]) -> Release:
    """Make new commits the lists of a new release. Return the release with them.

    Nothing is read: what a release stores of its commits is known from saving them.

    Args:
        tx: the transaction.
        release: the release, which was created in this transaction.
        lists: the shas, newest first, and the result of saving them, by repository; all commits are new.
    """
    count = sum(
        _insert_list(tx, release.organization_id, release.id, repository_id, map(saved.new_ids.__getitem__, shas))
        for repository_id, (shas, saved) in sorted(lists.items())
    )
    newest = max(saved.newest for _, saved in lists.values() if saved.newest)
    authors = sorted({id_ for _, saved in lists.values() for id_, _ in saved.authors.values()})
    keys = {"organization": release.organization_id, "release": release.id}
    _SAVE_DERIVED.rows(tx, {**keys, "commits": count, "authors": authors, "last": newest[2]})
    return replace(release, commit_count=count, author_ids=tuple(authors), last_commit_id=newest[2])


def _insert_list(
    tx: Transaction, organization_id: int, release_id: int, repository_id: int, commit_ids: Iterable[int]
) -> int:
    """Insert a list of commits, newest first, into a release that has none of this repository. Return their number."""
    dialect = tx.get_bind().dialect.name
    # Without repetitions: a commit has one position, and clients may list it twice.
    ids = list(dict.fromkeys(commit_ids))
    keys = {"organization": organization_id, "release": release_id, "repository": repository_id}
    _INSERT_LIST.rows(tx, {**keys, "ids": number_list(dialect, ids)})
    return len(ids)


def _insert_numbered(dialect: str) -> UpdateBase:
    # One parameter for all ids: SQLite takes half of the time then.
    listed = numbered_parameter(dialect, "ids").c
    keys = (bindparam(name, type_=Id) for name in ("organization", "release", "repository"))
    columns = ("organization_id", "release_id", "repository_id", "position", "commit_id")
    return insert(RELEASE_COMMITS).from_select(columns, select(*keys, listed.position, listed.value))


_INSERT_LIST: Final = DriverQuery(_insert_numbered)


def clear_commits(tx: Transaction, organization_id: int, release_id: int) -> None:
    """Remove all commits and heads from a release; the commits stay in their repositories."""
    _lock(tx, organization_id, release_id)
    for table in (RELEASE_COMMITS, RELEASE_HEADS):
        tx.execute(delete(table).where(_of_release(table, organization_id, release_id)))
    refresh(tx, organization_id, release_id)


def refresh(tx: Transaction, organization_id: int, release_id: int) -> None:
    """Update the release's columns that are derived from its commits: their number, authors and newest commit."""
    values = {"organization": organization_id, "release": release_id}
    rows = tx.execute(_GROUPS, values).all()
    moment = max((row[2] for row in rows), default=None)
    newest = {"moment": moment, "repositories": [row[0] for row in rows if row[2] == moment]}
    # Stored and not computed, because a page of a hundred releases would count all their commits.
    fields = {
        "commits": sum(row[3] for row in rows),
        # A commit without an author adds none.
        "authors": sorted({row[1] for row in rows if row[1] is not None}),
        "last": tx.scalar(_LAST, values | newest) if rows else None,
    }
    _SAVE_DERIVED.rows(tx, values | fields)


_KEYS: Final = (COMMITS.c.repository_id, COMMITS.c.author_id)
_IN_RELEASE: Final = (RELEASE_COMMITS.c.organization_id == bindparam("organization")) & (
    RELEASE_COMMITS.c.release_id == bindparam("release")
)
_GROUPS: Final = (
    select(*_KEYS, func.max(COMMITS.c.committed_at, type_=COMMITS.c.committed_at.type), func.count())
    .join(RELEASE_COMMITS, _IN_LIST)
    .where(_IN_RELEASE)
    .group_by(*_KEYS)
)
# The newest commits are found in the index of times: sorting all commits of the release costs much more.
_LAST: Final = (
    select(COMMITS.c.id)
    .join(RELEASE_COMMITS, _IN_LIST)
    .where(
        _IN_RELEASE,
        COMMITS.c.organization_id == bindparam("organization"),
        COMMITS.c.committed_at == bindparam("moment"),
        COMMITS.c.repository_id.in_(bindparam("repositories", expanding=True)),
    )
    .order_by(*ordered(_NEWEST_FIRST))
    .limit(1)
)
_SAVE_DERIVED: Final = DriverQuery(
    lambda _dialect: (
        update(RELEASES)
        .where(RELEASES.c.organization_id == bindparam("organization"), RELEASES.c.id == bindparam("release"))
        .values(commit_count=bindparam("commits"), author_ids=bindparam("authors"), last_commit_id=bindparam("last"))
    )
)


def delete_repository(tx: Transaction, organization_id: int, repository_id: int) -> bool:
    """Delete a repository with its rows in all tables, and refresh its releases. Return whether it existed."""
    releases = repository_queries.delete_now(tx, organization_id, repository_id)
    # In the same transaction: the rows of the commits are gone, but releases store their number and authors.
    for release_id in releases or ():
        refresh(tx, organization_id, release_id)
    return releases is not None


def commits_page(
    tx: Transaction, organization_id: int, release_id: int, request: PageQuery, repository_id: int | None = None
) -> Page[StoredCommit]:
    """Return commits of a release, newest first: of all repositories, or of one."""
    query = (
        commits_of(organization_id).join(RELEASE_COMMITS, _IN_LIST).where(RELEASE_COMMITS.c.release_id == release_id)
    )
    if repository_id is not None:
        query = query.where(RELEASE_COMMITS.c.repository_id == repository_id)
    return fetch_page(tx, query, _NEWEST_FIRST, request, commit_of)


def set_head(
    tx: Transaction,
    organization_id: int,
    release_id: int,
    repository_id: int,
    sha: str,
    previous_sha: str | None,
) -> None:
    """Set the sha of a repository in a release."""
    set_heads(tx, organization_id, release_id, [Head(repository_id, sha, previous_sha)])


def set_heads(tx: Transaction, organization_id: int, release_id: int, heads: Iterable[Head]) -> None:
    """Set the shas of repositories in a release. Of several heads of one repository the last counts."""
    last = {head.repository_id: head for head in heads}
    # Two requests that set the same refs write them in one order, so that they never wait for each other in a circle.
    rows = [
        {"organization_id": organization_id, "release_id": release_id, **asdict(last[repository_id])}
        for repository_id in sorted(last)
    ]
    if rows:
        tx.execute(_upsert_heads(tx.get_bind().dialect.name), rows)


@cache
def _upsert_heads(dialect: str) -> Executable:
    new = insert_for(dialect, RELEASE_HEADS)
    values = {name: new.excluded[name] for name in ("sha", "previous_sha", "note")}
    return new.on_conflict_do_update(index_elements=list(RELEASE_HEADS.primary_key), set_=values)


def heads(tx: Transaction, organization_id: int, release_id: int) -> list[Head]:
    """Return the heads of a release, by the id of their repository."""
    return heads_of(tx, organization_id, [release_id]).get(release_id, [])


def heads_of(tx: Transaction, organization_id: int, release_ids: Iterable[int]) -> dict[int, list[Head]]:
    """Return the heads of releases, by release id. A release without heads has no entry."""
    found: dict[int, list[Head]] = {}
    for row in _HEADS_BY_RELEASE.rows(tx, organization_id, release_ids):
        found.setdefault(row.release_id, []).append(_head(row))
    return found


_HEADS_BY_RELEASE: Final = KeyQuery(
    select(RELEASE_HEADS).order_by(RELEASE_HEADS.c.repository_id),
    RELEASE_HEADS.c.organization_id,
    RELEASE_HEADS.c.release_id,
)


def head_of(tx: Transaction, organization_id: int, version: str, repository_id: int) -> Head | None:
    """Return the head of a repository in the release with this version."""
    same = (RELEASES.c.organization_id == RELEASE_HEADS.c.organization_id) & (
        RELEASES.c.id == RELEASE_HEADS.c.release_id
    )
    of_version = (RELEASE_HEADS.c.organization_id == organization_id) & (RELEASES.c.version == version)
    query = select(RELEASE_HEADS).join(RELEASES, same).where(of_version, RELEASE_HEADS.c.repository_id == repository_id)
    row = tx.execute(query).one_or_none()
    return _head(row) if row else None


def _head(row: AnyRow) -> Head:
    return Head(row.repository_id, row.sha, row.previous_sha, row.note)


def _lock(tx: Transaction, organization_id: int, release_id: int) -> None:
    """Lock a release, so that writers of its lists run one after the other. SQLite has one writer at a time anyway."""
    query = select(RELEASES.c.id).where(_is_release(organization_id, release_id)).with_for_update()
    if tx.execute(query).first() is None:
        raise NotFound(f"This organization has no release with the id {release_id}.")


def _is_release(organization_id: int, release_id: int) -> ColumnElement[bool]:
    return (RELEASES.c.organization_id == organization_id) & (RELEASES.c.id == release_id)


def _list_of(organization_id: int, release_id: int, repository_id: int) -> ColumnElement[bool]:
    return _of_release(RELEASE_COMMITS, organization_id, release_id) & (
        RELEASE_COMMITS.c.repository_id == repository_id
    )


def _of_release(table: Table, organization_id: int, release_id: int) -> ColumnElement[bool]:
    return (table.c.organization_id == organization_id) & (table.c.release_id == release_id)
