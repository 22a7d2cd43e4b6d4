"""SQL of commits and authors."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import fields, replace
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import and_, bindparam, select, union

from scmhost.infra.db.base import AnyRow, AnySelect
from scmhost.infra.db.engine import Transaction
from scmhost.infra.db.statements import (
    DriverQuery,
    KeyQuery,
    SortKey,
    batches,
    fetch_page,
    insert_into,
    new_ids,
    number_list,
    numbers_parameter,
    text_list,
    texts_parameter,
)
from scmhost.infra.paging import Page, PageQuery
from scmhost.links.tables import CODE_MAPPINGS, PROJECT_REPOSITORIES
from scmhost.releases.tables import RELEASE_COMMITS, RELEASES
from scmhost.sdk import FileChange

from .tables import AUTHORS, COMMITS, FILE_CHANGES
from .values import Author, ListedCommit, ReleaseSummary, StoredCommit


def mapped_repository_ids(tx: Transaction, organization_id: int, project_ids: Collection[int]) -> set[int]:
    """Return the ids of the repositories that code mappings of the projects lead to, and of those linked to them."""
    ids = sorted(project_ids)
    of_projects = [
        select(each.c.repository_id).where(each.c.organization_id == organization_id, each.c.project_id.in_(ids))
        for each in (CODE_MAPPINGS, PROJECT_REPOSITORIES)
    ]
    return set(tx.scalars(union(*of_projects)))


def ensure_authors(
    tx: Transaction, organization_id: int, commits: Iterable[ListedCommit]
) -> dict[str, tuple[int, str | None]]:
    """Return the id and the name of each author of commits, by address. A sent name replaces the stored one."""
    sent = _names_by_email(commits)
    known = _known_authors(tx, organization_id, sent)
    # In one order for all senders, so that no two block each other. Unchanged authors are not written: most requests
    # have known authors only, and a write would lock their rows.
    changed = sorted(email for email, name in sent.items() if email not in known or name not in (None, known[email][1]))
    if not changed:
        return known
    _save_authors(tx, organization_id, {email: sent[email] for email in changed})
    return _known_authors(tx, organization_id, sent)


def get_authors(tx: Transaction, organization_id: int, ids: Iterable[int]) -> dict[int, Author]:
    """Return the authors with these ids, by id."""
    # A release may have hundreds, which are one parameter here.
    values = {"organization": organization_id, "ids": number_list(tx.get_bind().dialect.name, ids)}
    return {id_: Author(id_, name, email) for id_, email, name in _AUTHORS_BY_ID.rows(tx, values)}


def _authors_by_id(dialect: str) -> AnySelect:
    query = select(AUTHORS.c.id, AUTHORS.c.email, AUTHORS.c.name)
    is_one = AUTHORS.c.id.in_(numbers_parameter(dialect, "ids"))
    return query.where(AUTHORS.c.organization_id == bindparam("organization"), is_one)


_AUTHORS_BY_ID: Final = DriverQuery(_authors_by_id)


def _names_by_email(commits: Iterable[ListedCommit]) -> dict[str, str | None]:
    names: dict[str, str | None] = {}
    for commit in commits:
        # Commits are sent newest first, and the newest name counts.
        if commit.author_email and not names.get(commit.author_email):
            names[commit.author_email] = commit.author_name or None
    return names


def _known_authors(tx: Transaction, organization_id: int, emails: Iterable[str]) -> dict[str, tuple[int, str | None]]:
    dialect = tx.get_bind().dialect.name
    values = {"organization": organization_id, "emails": text_list(dialect, emails)}
    return {email: (id_, name) for email, id_, name in _AUTHORS_BY_EMAIL.rows(tx, values)}


def _authors_by_email(dialect: str) -> AnySelect:
    query = select(AUTHORS.c.email, AUTHORS.c.id, AUTHORS.c.name)
    is_one = AUTHORS.c.email.in_(select(texts_parameter(dialect, "emails").c.value))
    return query.where(AUTHORS.c.organization_id == bindparam("organization"), is_one)


_AUTHORS_BY_EMAIL: Final = DriverQuery(_authors_by_email)


def _save_authors(tx: Transaction, organization_id: int, names: dict[str, str | None]) -> None:
    ids = new_ids(tx, len(names))
    rows = [
        {"organization_id": organization_id, "id": id_, "email": email, "name": name}
        for id_, (email, name) in zip(ids, names.items(), strict=True)
    ]
    new = insert_into(tx, AUTHORS)
    name = new.excluded.name
    tx.execute(
        new.on_conflict_do_update(
            # Another sender may have created the author since the read. Sentry also replaces names by null.
            index_elements=[AUTHORS.c.organization_id, AUTHORS.c.email],
            set_={"name": name},
            where=name.is_not(None),
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


def commits_of(organization_id: Any) -> AnySelect:
    """Select the organization's commits with their authors."""
    # An outer join: a commit of a plugin or of a ref may have no author.
    written_by = and_(AUTHORS.c.organization_id == COMMITS.c.organization_id, AUTHORS.c.id == COMMITS.c.author_id)
    rows = select(*_COLUMNS).select_from(COMMITS.outerjoin(AUTHORS, written_by))
    return rows.where(COMMITS.c.organization_id == organization_id)


def commit_of(row: AnyRow) -> StoredCommit:
    """Return the commit in a row of ``commits_of``."""
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


_NEWEST_FIRST: Final = (SortKey(COMMITS.c.committed_at, descending=True), SortKey(COMMITS.c.id, descending=True))


def page(tx: Transaction, organization_id: int, repository_id: int, request: PageQuery) -> Page[StoredCommit]:
    """Return a page of a repository's commits, newest first."""
    query = commits_of(organization_id).where(COMMITS.c.repository_id == repository_id)
    return fetch_page(tx, query, _NEWEST_FIRST, request, commit_of)


def get_many(tx: Transaction, organization_id: int, ids: Iterable[int]) -> dict[int, StoredCommit]:
    """Return the commits with these ids, by id. Unknown ids have no entry."""
    return {row.id: commit_of(row) for row in _BY_ID.rows(tx, organization_id, ids)}


_BY_ID: Final = KeyQuery(commits_of(bindparam("organization")), COMMITS.c.organization_id, COMMITS.c.id)


def find(
    tx: Transaction, organization_id: int, repository_id: int, sha: str, *, with_changes: bool = False
) -> StoredCommit | None:
    """Return the repository's commit with this sha."""
    own = (COMMITS.c.repository_id == repository_id) & (COMMITS.c.sha == sha)
    row = tx.execute(commits_of(organization_id).where(own)).one_or_none()
    if row is None or not with_changes:
        return commit_of(row) if row else None
    changes = file_changes(tx, organization_id, [row.id])
    return replace(commit_of(row), changes=changes.get(row.id, ()))


def holders(tx: Transaction, organization_id: int, repository_ids: Iterable[int], shas: Sequence[str]) -> set[int]:
    """Return the ids of those repositories that have one of the commits."""
    query = select(COMMITS.c.repository_id).where(COMMITS.c.organization_id == organization_id).distinct()
    query = query.where(COMMITS.c.sha.in_(shas))
    found = (tx.scalars(query.where(COMMITS.c.repository_id.in_(piece))) for piece in batches(repository_ids))
    return {repository_id for ids in found for repository_id in ids}


def file_changes(tx: Transaction, organization_id: int, commit_ids: Iterable[int]) -> dict[int, tuple[FileChange, ...]]:
    """Return the changes of commits by commit id, each in the order of paths. A commit without changes has no entry."""
    query = select(FILE_CHANGES).where(FILE_CHANGES.c.organization_id == organization_id)
    found: dict[int, list[FileChange]] = {}
    for piece in batches(commit_ids):
        for row in tx.execute(query.where(FILE_CHANGES.c.commit_id.in_(piece))):
            found.setdefault(row.commit_id, []).append(FileChange(path=row.path, type=row.type))
    return {commit_id: tuple(sorted(changes, key=attrgetter("path"))) for commit_id, changes in found.items()}


def releases_of(
    tx: Transaction, organization_id: int, commit_ids: Iterable[int]
) -> dict[int, tuple[ReleaseSummary, ...]]:
    """Return the releases of commits by commit id, the oldest first. A commit of no release has no entry."""
    found: dict[int, tuple[ReleaseSummary, ...]] = {}
    for row in _RELEASES_BY_COMMIT.rows(tx, organization_id, commit_ids):
        summary = ReleaseSummary(**{name: getattr(row, name) for name in _SUMMARY})
        found[row.commit_id] = (*found.get(row.commit_id, ()), summary)
    return found


# Only these columns: a commit may be in a thousand releases.
_SUMMARY: Final = [field.name for field in fields(ReleaseSummary)]
_SAME_RELEASE: Final = (RELEASES.c.organization_id == RELEASE_COMMITS.c.organization_id) & (
    RELEASES.c.id == RELEASE_COMMITS.c.release_id
)
_RELEASES_BY_COMMIT: Final = KeyQuery(
    select(RELEASE_COMMITS.c.commit_id, *(RELEASES.c[name] for name in _SUMMARY))
    .join(RELEASES, _SAME_RELEASE)
    .order_by(RELEASES.c.created_at, RELEASES.c.id),
    RELEASE_COMMITS.c.organization_id,
    RELEASE_COMMITS.c.commit_id,
)
