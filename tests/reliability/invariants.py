"""What must hold in a database after any failure, as plain functions over its rows. Each yields what does not hold."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeAlias

from sqlalchemy import ColumnElement, FromClause, Select, func, select, text

from reliability.load import Acknowledged, files_of, request_of
from scmhost.audit.tables import AUDIT_ENTRIES
from scmhost.commits.tables import COMMITS, FILE_CHANGES
from scmhost.infra.db.base import JOBS
from scmhost.infra.db.engine import Store, Transaction
from scmhost.links.tables import CODE_MAPPINGS
from scmhost.releases.tables import RELEASE_COMMITS, RELEASES
from scmhost.repositories.tables import KNOWN_FILES, REPOSITORIES

Broken: TypeAlias = Iterator[str]


def violations(store: Store, done: Acknowledged) -> list[str]:
    """Return what does not hold, at most ten of each kind."""
    with store.read() as tx:
        return [found for rule in RULES for found, _ in zip(rule(tx, done), range(10), strict=False)]


def acknowledged_commits_are_stored(tx: Transaction, done: Acknowledged) -> Broken:
    """Every commit that was acknowledged is there."""
    for sha in sorted(done.commits - set(tx.scalars(select(COMMITS.c.sha)))):
        yield f"acknowledged commit {sha} is lost"


def requests_are_whole(tx: Transaction, _done: Acknowledged) -> Broken:
    """Of each request all commits are there, or none."""
    found = Counter(map(request_of, set(tx.scalars(select(COMMITS.c.sha)))))
    for (number, size), stored in found.items():
        if stored != size:
            yield f"request {number} has {stored} of its {size} commits"


def commits_have_their_files(tx: Transaction, _done: Acknowledged) -> Broken:
    """A commit has all files of its request."""
    changes = _counts(tx, FILE_CHANGES, FILE_CHANGES.c.commit_id)
    for row in tx.execute(select(COMMITS.c.id, COMMITS.c.sha)):
        if changes.get(row.id, 0) != files_of(row.sha):
            yield f"commit {row.sha} has {changes.get(row.id, 0)} of {files_of(row.sha)} files"


def releases_have_what_was_answered(tx: Transaction, done: Acknowledged) -> Broken:
    """A release is there with as many commits as its answer had, and a deleted one is gone."""
    stored = {row.version: row.commit_count for row in tx.execute(select(RELEASES.c.version, RELEASES.c.commit_count))}
    for version, commits in done.releases.items():
        if stored.get(version) != commits:
            yield f"release {version} was answered with {commits} commits, and has {stored.get(version)}"
    for version in done.removed_releases & stored.keys():
        yield f"deleted release {version} is there"


def counters_agree(tx: Transaction, _done: Acknowledged) -> Broken:
    """The counter of a release is the number of its commits."""
    counted = _counts(tx, RELEASE_COMMITS, RELEASE_COMMITS.c.release_id)
    for row in tx.execute(select(RELEASES.c.id, RELEASES.c.version, RELEASES.c.commit_count)):
        if row.commit_count != counted.get(row.id, 0):
            yield f"release {row.version} counts {row.commit_count} commits, and has {counted.get(row.id, 0)}"


def repositories_are_as_acknowledged(tx: Transaction, done: Acknowledged) -> Broken:
    """A claimed repository belongs to an installation; a deleted one is gone, or will be."""
    rows = {row.id: row for row in tx.execute(select(REPOSITORIES))}
    for id_ in done.claims:
        if id_ not in rows or rows[id_].installation_id is None:
            yield f"acknowledged claim of repository {id_} is lost"
    for id_ in done.deletions:
        if id_ in rows and rows[id_].delete_after is None:
            yield f"acknowledged deletion of repository {id_} is lost"


def mappings_are_as_acknowledged(tx: Transaction, done: Acknowledged) -> Broken:
    """A code mapping is there, and a deleted one is gone."""
    stored = set(tx.scalars(select(CODE_MAPPINGS.c.id)))
    for id_ in done.mappings - stored:
        yield f"acknowledged code mapping {id_} is lost"
    for id_ in done.removed_mappings & stored:
        yield f"deleted code mapping {id_} is there"


def changes_are_audited(tx: Transaction, done: Acknowledged) -> Broken:
    """Every change has its entry in the audit log, and every entry of a new object has the object."""
    entries = {
        (row.action, row.target_id) for row in tx.execute(select(AUDIT_ENTRIES.c.action, AUDIT_ENTRIES.c.target_id))
    }
    wanted = [
        *(("repository.add", id_) for id_ in done.claims),
        *(("repository.delete", id_) for id_ in done.deletions),
        *(("code-mapping.create", id_) for id_ in done.mappings | done.removed_mappings),
        *(("code-mapping.delete", id_) for id_ in done.removed_mappings),
    ]
    for action, id_ in wanted:
        if (action, id_) not in entries:
            yield f"{action} of {id_} has no audit entry"
    for id_ in tx.scalars(select(REPOSITORIES.c.id).where(REPOSITORIES.c.installation_id.is_not(None))):
        if ("repository.add", id_) not in entries:
            yield f"repository {id_} was claimed without an audit entry"
    removed = {id_ for action, id_ in entries if action == "code-mapping.delete"}
    created = {id_ for action, id_ in entries if action == "code-mapping.create"} - removed
    for id_ in created - set(tx.scalars(select(CODE_MAPPINGS.c.id))):
        yield f"code mapping {id_} has an audit entry, and is not there"


def sqlite_is_sound(tx: Transaction, _done: Acknowledged) -> Broken:
    """SQLite's file is undamaged, and no row refers to a missing one. PostgreSQL enforces that itself."""
    if tx.get_bind().dialect.name == "sqlite":
        for check in ("integrity_check", "foreign_key_check"):
            for row in tx.execute(text(f"PRAGMA {check}")):
                if tuple(row) != ("ok",):
                    yield f"{check}: {tuple(row)}"


RULES: Final[tuple[Callable[[Transaction, Acknowledged], Broken], ...]] = (
    acknowledged_commits_are_stored,
    requests_are_whole,
    commits_have_their_files,
    releases_have_what_was_answered,
    counters_agree,
    repositories_are_as_acknowledged,
    mappings_are_as_acknowledged,
    changes_are_audited,
    sqlite_is_sound,
)


def unfinished_work(store: Store) -> list[str]:
    """Return what the background work should have done, once all of it was due and has run."""
    with store.read() as tx:
        late = [f"job {row.kind} {row.key} is {row.state}: {row.fault}" for row in tx.execute(select(JOBS))]
        changed = select(COMMITS.c.repository_id, FILE_CHANGES.c.path_hash).join(
            COMMITS, COMMITS.c.id == FILE_CHANGES.c.commit_id
        )
        known = select(KNOWN_FILES.c.repository_id, KNOWN_FILES.c.path_hash)
        missing = _rows(tx, changed) - _rows(tx, known)
        left = tx.scalars(select(REPOSITORIES.c.id).where(REPOSITORIES.c.delete_after.is_not(None))).all()
    return [
        *late,
        *(f"file {row} is not indexed" for row in sorted(missing)[:10]),
        *(f"repository {row} is not deleted" for row in left),
    ]


def _rows(tx: Transaction, query: Select[Any]) -> set[tuple[Any, ...]]:
    return {tuple(row) for row in tx.execute(query)}


def _counts(tx: Transaction, table: FromClause, column: ColumnElement[int]) -> dict[int, int]:
    rows = tx.execute(select(column, func.count()).select_from(table).group_by(column))
    return {row[0]: row[1] for row in rows}
