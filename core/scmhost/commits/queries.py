"""SQL of commits and authors."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import fields, replace
from typing import Final

from sqlalchemy import and_, select

from scmhost.infra.db.base import AnyRow, AnySelect
from scmhost.infra.db.engine import Transaction
from scmhost.infra.db.statements import Key, among, insert_into, ordered, paged, pieces, take
from scmhost.infra.paging import Page, PageRequest
from scmhost.links.tables import CODE_MAPPINGS
from scmhost.releases.tables import RELEASE_COMMITS, RELEASES
from scmhost.sdk import FileChange

from .tables import AUTHORS, COMMITS, FILE_CHANGES
from .values import Author, ListedCommit, ReleaseSummary, StoredCommit


def mapped_repository_ids(tx: Transaction, organization_id: int, project_ids: Collection[int]) -> set[int]:
    """The repositories to which projects are mapped."""
    query = select(CODE_MAPPINGS.c.repository_id).where(CODE_MAPPINGS.c.organization_id == organization_id).distinct()
    return set(tx.scalars(query.where(CODE_MAPPINGS.c.project_id.in_(sorted(project_ids)))))


def ensure_authors(tx: Transaction, organization_id: int, commits: Iterable[ListedCommit]) -> dict[str, int]:
    """The ids of the commits' authors by address. A name that is told replaces the stored one."""
    told = _told_names(commits)
    known = _known_authors(tx, organization_id, told)
    changed = sorted(email for email, name in told.items() if email not in known or name not in (None, known[email][1]))
    if not changed:
        return {email: id_ for email, (id_, _) in known.items()}
    _save_authors(tx, organization_id, {email: told[email] for email in changed})
    return {email: id_ for email, (id_, _) in _known_authors(tx, organization_id, told).items()}


def get_authors(tx: Transaction, organization_id: int, ids: Iterable[int]) -> dict[int, Author]:
    """The authors with these ids."""
    query = select(AUTHORS.c.id, AUTHORS.c.email, AUTHORS.c.name).where(AUTHORS.c.organization_id == organization_id)
    rows = (row for piece in pieces(ids) for row in tx.execute(query.where(AUTHORS.c.id.in_(piece))))
    return {row.id: Author(row.id, row.name, row.email) for row in rows}


def _told_names(commits: Iterable[ListedCommit]) -> dict[str, str | None]:
    told = [(commit.author_email, commit.author_name) for commit in commits]
    # Commits come newest first: the newest name holds.
    names = {email: name for email, name in reversed(told) if email and name}
    return {email: names.get(email) for email, _ in told if email}


def _known_authors(tx: Transaction, organization_id: int, emails: Iterable[str]) -> dict[str, tuple[int, str | None]]:
    query = select(AUTHORS.c.email, AUTHORS.c.id, AUTHORS.c.name).where(AUTHORS.c.organization_id == organization_id)
    return {row.email: (row.id, row.name) for row in tx.execute(query.where(among(tx, AUTHORS.c.email, emails)))}


def _save_authors(tx: Transaction, organization_id: int, names: dict[str, str | None]) -> None:
    ids = take(tx, len(names))
    rows = [
        {"organization_id": organization_id, "id": id_, "email": email, "name": name}
        for id_, (email, name) in zip(ids, names.items(), strict=True)
    ]
    new = insert_into(tx, AUTHORS)
    told = new.excluded.name
    tx.execute(
        new.on_conflict_do_update(
            index_elements=[AUTHORS.c.organization_id, AUTHORS.c.email], set_={"name": told}, where=told.is_not(None)
        ),
        rows,
    )


_COLUMNS: Final = (
    *(
        COMMITS.c[name]
        for name in ("id", "organization_id", "repository_id", "sha", "message", "committed_at", "issue_ids")
    ),
    AUTHORS.c.id.label("author_id"),
    AUTHORS.c.name.label("author_name"),
    AUTHORS.c.email.label("author_email"),
)


def commits_of(organization_id: int) -> AnySelect:
    """The organization's commits with their authors."""
    written_by = and_(AUTHORS.c.organization_id == COMMITS.c.organization_id, AUTHORS.c.id == COMMITS.c.author_id)
    rows = select(*_COLUMNS).select_from(COMMITS.outerjoin(AUTHORS, written_by))
    return rows.where(COMMITS.c.organization_id == organization_id)


def commit_of(row: AnyRow) -> StoredCommit:
    """The commit in a row of ``commits_of``."""
    author = None if row.author_id is None else Author(row.author_id, row.author_name, row.author_email)
    return StoredCommit(
        id=row.id,
        organization_id=row.organization_id,
        repository_id=row.repository_id,
        sha=row.sha,
        message=row.message,
        author=author,
        committed_at=row.committed_at,
        issue_ids=tuple((row.issue_ids or "").split()),
    )


_NEWEST_FIRST: Final = (Key(COMMITS.c.committed_at, descending=True), Key(COMMITS.c.id, descending=True))


def page(tx: Transaction, organization_id: int, repository_id: int, request: PageRequest) -> Page[StoredCommit]:
    """A repository's commits, the newest first."""
    query = commits_of(organization_id).where(COMMITS.c.repository_id == repository_id)
    return paged(tx, query, _NEWEST_FIRST, request, commit_of)


def get_many(tx: Transaction, organization_id: int, ids: Iterable[int]) -> dict[int, StoredCommit]:
    """The commits with these ids, as far as they are there."""
    query = commits_of(organization_id)
    rows = (row for piece in pieces(ids) for row in tx.execute(query.where(COMMITS.c.id.in_(piece))))
    return {row.id: commit_of(row) for row in rows}


def find(
    tx: Transaction, organization_id: int, repository_id: int, sha: str, *, with_changes: bool = False
) -> StoredCommit | None:
    """The repository's commit with this sha."""
    mine = (COMMITS.c.repository_id == repository_id) & (COMMITS.c.sha == sha)
    row = tx.execute(commits_of(organization_id).where(mine)).one_or_none()
    if row is None or not with_changes:
        return commit_of(row) if row else None
    changes = file_changes(tx, organization_id, [row.id])
    return replace(commit_of(row), changes=changes.get(row.id, ()))


def latest_sha(tx: Transaction, organization_id: int, repository_id: int) -> str | None:
    """The sha of the newest commit that is known of a repository."""
    mine = (COMMITS.c.organization_id == organization_id) & (COMMITS.c.repository_id == repository_id)
    return tx.scalar(select(COMMITS.c.sha).where(mine).order_by(*ordered(_NEWEST_FIRST)).limit(1))


def holders(tx: Transaction, organization_id: int, repository_ids: Iterable[int], shas: Sequence[str]) -> set[int]:
    """Those of the repositories that have one of the commits."""
    query = select(COMMITS.c.repository_id).where(COMMITS.c.organization_id == organization_id).distinct()
    some = query.where(COMMITS.c.sha.in_(shas))
    found = (tx.scalars(some.where(COMMITS.c.repository_id.in_(piece))) for piece in pieces(repository_ids))
    return {repository_id for ids in found for repository_id in ids}


def file_changes(tx: Transaction, organization_id: int, commit_ids: Iterable[int]) -> dict[int, tuple[FileChange, ...]]:
    """What commits changed, by path. A commit without changes has no entry."""
    query = select(FILE_CHANGES).where(FILE_CHANGES.c.organization_id == organization_id)
    found: dict[int, list[FileChange]] = {}
    for piece in pieces(commit_ids):
        for row in tx.execute(query.where(FILE_CHANGES.c.commit_id.in_(piece))):
            found.setdefault(row.commit_id, []).append(FileChange(path=row.path, type=row.type))
    return {commit_id: tuple(sorted(changes, key=_path)) for commit_id, changes in found.items()}


def releases_of(
    tx: Transaction, organization_id: int, commit_ids: Iterable[int]
) -> dict[int, tuple[ReleaseSummary, ...]]:
    """The releases that have the commits, the oldest first. A commit of no release has no entry."""
    names = [field.name for field in fields(ReleaseSummary)]
    same = (RELEASES.c.organization_id == RELEASE_COMMITS.c.organization_id) & (
        RELEASES.c.id == RELEASE_COMMITS.c.release_id
    )
    query = (
        select(RELEASE_COMMITS.c.commit_id, *(RELEASES.c[name] for name in names))
        .join(RELEASES, same)
        .where(RELEASE_COMMITS.c.organization_id == organization_id)
        .order_by(RELEASES.c.created_at, RELEASES.c.id)
    )
    found: dict[int, tuple[ReleaseSummary, ...]] = {}
    for piece in pieces(commit_ids):
        for row in tx.execute(query.where(RELEASE_COMMITS.c.commit_id.in_(piece))):
            summary = ReleaseSummary(**{name: getattr(row, name) for name in names})
            found[row.commit_id] = (*found.get(row.commit_id, ()), summary)
    return found


def _path(change: FileChange) -> str:
    return change.path
