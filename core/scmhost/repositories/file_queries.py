"""The index of repositories' files: the newest change of each path that commits list.

A background job adds the changes of new commits to the index (``file_index_queries``). Reads do not wait for it: they
add the newest commits that are not indexed yet, of which they read a bounded number.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, SelectBase, and_, bindparam, func, literal, null, select, type_coerce

from scmhost.commits.tables import COMMITS, FILE_CHANGES
from scmhost.infra.db import jobs
from scmhost.infra.db.base import JOBS, AnySelect, hashes_of, is_text
from scmhost.infra.db.engine import Transaction
from scmhost.infra.db.jobs import QueuedJob
from scmhost.infra.db.statements import DriverQuery, batches, number_list, numbers_parameter
from scmhost.sdk import JsonObject

from .tables import KNOWN_FILES


class KnownFile(NamedTuple):
    """A file that a commit of a repository lists.

    Attributes:
        repository_id: the repository.
        path: the file's path.
        deleted: whether the newest of the commits deleted it.
        commit_id, changed_at, sha: of that commit.
    """

    repository_id: int
    path: str
    deleted: bool
    commit_id: int
    changed_at: datetime
    sha: str

    @property
    def place(self) -> tuple[datetime, int]:
        """The place of the newest commit in the order of commits."""
        return self.changed_at, self.commit_id


# Jobs of earlier versions may be waiting in the database under this name.
INDEX_FILES: Final = "list_files"
# Indexing what many requests brought at once costs far less than indexing after each.
DELAY: Final = timedelta(seconds=20)

STATE: Final = ("deleted", "commit_id", "changed_at")
"""The columns of the newest change of a path."""

# As many characters of a name as every database takes in an index.
_NAME_LENGTH: Final = 255

# The bounds of what a read adds to the index. Scanning all of it takes some milliseconds.
_PENDING_JOBS_READ: Final = 200
_PENDING_SCANS: Final = 4
_PENDING_COMMITS_READ: Final = 2_000
_PENDING_CHANGES_READ: Final = 10_000
# Ranges with a smaller gap are scanned as one: reading these commits again costs less than another statement.
_SMALL_GAP: Final = 100


def schedule_indexing(
    tx: Transaction, organization_id: int, repository_id: int, commit_ids: Collection[int], now: datetime
) -> None:
    """Put a job that indexes the commits from the lowest of these ids to the highest.

    It is due after ``DELAY``, or at once if the commits are more than a read scans by itself.
    """
    if commit_ids:
        first, last = min(commit_ids), max(commit_ids)
        payload: JsonObject = {"repository": repository_id, "first": first, "last": last}
        due_at = now if last - first >= _PENDING_COMMITS_READ else now + DELAY
        jobs.put(tx, organization_id, INDEX_FILES, f"{repository_id}:{first}:{last}", payload, due_at)


def pending_jobs(tx: Transaction, organization_id: int, repository_id: int | None = None) -> Sequence[QueuedJob]:
    """Return the jobs that wait for an organization, or for one of its repositories, due or not."""
    return jobs.with_key_prefix(tx, organization_id, INDEX_FILES, "" if repository_id is None else f"{repository_id}:")


def file_states(
    tx: Transaction, organization_id: int, paths: Mapping[int, Iterable[str]]
) -> dict[tuple[int, str], KnownFile]:
    """Return the states of paths by repository id and path.

    Args:
        tx: the transaction; nothing is written.
        organization_id: the organization.
        paths: the paths by repository id. A path that no commit lists has no entry in the result.
    """
    hashes = {id_: own for id_, texts in paths.items() if (own := hashes_of(texts))}
    states, waiting = _States(), list[JsonObject]()
    for id_, own in hashes.items():
        numbers = number_list(tx.get_bind().dialect.name, own)
        values = {"organization": organization_id, "repository": id_, "hashes": numbers, "prefix": f"{id_}:"}
        rows = _FILES_AND_WAITING.rows(tx, values, lone=len(hashes) == 1)
        # More is read about deleted files and waiting jobs, and all of it has to be of one state.
        if not tx.is_begun and any(deleted or payload for _, _, deleted, *_, payload in rows):
            rows = _FILES_AND_WAITING.rows(tx, values)
        states.add(KnownFile._make(row[:-1]) for row in rows if row[-1] is None)
        waiting += [row[-1] for row in rows if row[-1] is not None]
    if waiting:
        every_hash, ranges = set().union(*hashes.values()), _newest_first(waiting)
        changes = _pending_changes(tx, organization_id, hashes, ranges, lambda rows: rows.c.path_hash, every_hash)
        states.add(change for change in changes if change.path_hash in hashes[change.repository_id])
    return states.files()


def paths_by_name(
    tx: Transaction, organization_id: int, names: Iterable[str], most: int, left_out: set[str] | None = None
) -> dict[int, list[str]]:
    """Return the paths of files that have one of these names and are not deleted, by repository id.

    A name that more than ``most`` files have is left out, rather than answered in part, and added to ``left_out``.
    """
    # A frame may have a NUL or half of a surrogate pair, which no stored path has.
    heads = {name[:_NAME_LENGTH] for name in names if is_text(name)}
    states = _States()
    too_many: set[str] = set()
    for piece in batches(heads):
        own = (KNOWN_FILES.c.organization_id == organization_id) & KNOWN_FILES.c.name.in_(piece)
        # Counted first: a name such as index.js may have thousands of files.
        counts = select(KNOWN_FILES.c.name).where(own).group_by(KNOWN_FILES.c.name).having(func.count() > most)
        too_many.update(tx.scalars(counts))
        few = [name for name in piece if name not in too_many]
        states.add(tx.execute(_indexed(organization_id).where(KNOWN_FILES.c.name.in_(few))))
    left = heads - too_many
    if left:
        ranges = _newest_first(tx.scalars(_waiting(organization_id)))
        states.add(_pending_changes(tx, organization_id, None, ranges, lambda rows: name_of(rows.c.path), left))
    paths = states.paths_by_repository(most, too_many)
    if left_out is not None:
        left_out |= too_many
    return paths


class _States:
    """The newest change of each path among those that are added."""

    def __init__(self) -> None:
        self._newest: dict[tuple[int, str], Any] = {}

    def add(self, changes: Iterable[Any]) -> None:
        """Add rows of ``_indexed`` or ``_pending_changes``."""
        for change in changes:
            key = (change.repository_id, change.path)
            known = self._newest.get(key)
            if known is None or (known.changed_at, known.commit_id) < (change.changed_at, change.commit_id):
                self._newest[key] = change

    def files(self) -> dict[tuple[int, str], KnownFile]:
        return {
            key: row if isinstance(row, KnownFile) else KnownFile(*(getattr(row, name) for name in KnownFile._fields))
            for key, row in self._newest.items()
        }

    def paths_by_repository(self, most: int, left_out: set[str]) -> dict[int, list[str]]:
        """Return the paths that are not deleted and whose name at most ``most`` files have, deleted ones included.

        Other names are added to ``left_out``.
        """
        by_name: dict[str, list[Any]] = {}
        for row in self._newest.values():
            by_name.setdefault(row.path.rpartition("/")[2][:_NAME_LENGTH], []).append(row)
        paths: dict[int, list[str]] = {}
        left_out |= {name for name, rows in by_name.items() if len(rows) > most}
        for rows in (rows for name, rows in by_name.items() if name not in left_out):
            for row in rows:
                if not row.deleted:
                    paths.setdefault(row.repository_id, []).append(row.path)
        return paths


def _indexed(organization_id: Any) -> AnySelect:
    """Select files of the index with the sha of their newest commit."""
    same_commit = and_(
        COMMITS.c.organization_id == KNOWN_FILES.c.organization_id, COMMITS.c.id == KNOWN_FILES.c.commit_id
    )
    columns = [KNOWN_FILES.c[name] for name in ("repository_id", "path", *STATE)]
    query = select(*columns, COMMITS.c.sha).join_from(KNOWN_FILES, COMMITS, same_commit)
    return query.where(KNOWN_FILES.c.organization_id == organization_id)


class IdRange(NamedTuple):
    """The ids of commits from the first to the last."""

    first: int
    last: int


def range_of(payload: Mapping[str, Any]) -> IdRange:
    """Return the ids of the commits that a job indexes."""
    return IdRange(int(str(payload["first"])), int(str(payload["last"])))


def _pending_changes(
    tx: Transaction,
    organization_id: int,
    repository_ids: Collection[int] | None,
    ranges: Iterable[IdRange],
    part: Callable[[Any], ColumnElement[Any]],
    values: Collection[Any],
) -> list[Any]:
    """Return the file changes whose hash or name is one of the values, of the newest commits that are not indexed yet.

    ``ranges`` are those of waiting jobs, the newest first. ``part`` gives the hash or name of a row of file changes.
    Without repositories, all of the organization count.
    """
    found: list[Any] = []
    for first, last in _ranges_to_scan(tx, organization_id, ranges):
        # The limit keeps databases from moving the condition inside, where SQLite would probe each commit for each
        # path. It also bounds a scan over commits that change very many files.
        changes = (
            select(FILE_CHANGES)
            .where(FILE_CHANGES.c.organization_id == organization_id, FILE_CHANGES.c.commit_id.between(first, last))
            .order_by(FILE_CHANGES.c.commit_id.desc())
            .limit(_PENDING_CHANGES_READ)
            .subquery()
        )
        same = and_(COMMITS.c.organization_id == changes.c.organization_id, COMMITS.c.id == changes.c.commit_id)
        deleted = (changes.c.type == "D").label("deleted")
        commit = COMMITS.c.id.label("commit_id"), COMMITS.c.committed_at.label("changed_at"), COMMITS.c.sha
        columns = COMMITS.c.repository_id, changes.c.path, changes.c.path_hash, deleted, *commit
        query = select(*columns).join_from(changes, COMMITS, same)
        if repository_ids is not None:
            query = query.where(COMMITS.c.repository_id.in_(repository_ids))
        for piece in batches(values):
            found += tx.execute(query.where(part(changes).in_(piece)))
    return found


def _newest_first(payloads: Iterable[JsonObject]) -> list[IdRange]:
    return sorted(map(range_of, payloads), key=lambda ids: ids.last, reverse=True)


def _waiting(organization_id: Any) -> AnySelect:
    """Select the payloads of the newest jobs that wait."""
    query = select(JOBS.c.payload).where(JOBS.c.organization_id == organization_id, JOBS.c.kind == INDEX_FILES)
    return query.order_by(JOBS.c.id.desc()).limit(_PENDING_JOBS_READ)


def _select_files_and_waiting(dialect: str) -> SelectBase:
    organization: ColumnElement[Any] = bindparam("organization")
    files = _indexed(organization).where(
        KNOWN_FILES.c.repository_id == bindparam("repository"),
        KNOWN_FILES.c.path_hash.in_(numbers_parameter(dialect, "hashes")),
    )
    # A prefix has digits and a colon, which need no escaping.
    jobs_of_one = _waiting(organization).where(JOBS.c.key.startswith(bindparam("prefix"))).subquery()
    no_payload, no_file = type_coerce(null(), JOBS.c.payload.type), [null() for _ in KnownFile._fields]
    return files.add_columns(no_payload).union_all(select(*no_file, jobs_of_one.c.payload))


# Every trace reads it. As one statement, because the interpreter switches threads at each of them.
_FILES_AND_WAITING: Final = DriverQuery(_select_files_and_waiting)


def _ranges_to_scan(tx: Transaction, organization_id: int, newest_first: Iterable[IdRange]) -> list[IdRange]:
    """Join ranges that are close, and cut the newest of them to the number of commits that a read may scan."""
    joined: list[IdRange] = []
    for ids in newest_first:
        if joined and joined[-1].first - ids.last <= _SMALL_GAP:
            joined[-1] = IdRange(min(joined[-1].first, ids.first), joined[-1].last)
        elif len(joined) < _PENDING_SCANS:
            joined.append(ids)
        else:
            break
    chosen: list[IdRange] = []
    left = _PENDING_COMMITS_READ
    # The narrow ranges first, so that a large import does not use up what a single push needs.
    for first, last in sorted(joined, key=lambda ids: ids.last - ids.first):
        width = last - first + 1
        if width <= left:
            chosen.append(IdRange(first, last))
            left -= width
        elif left > 0:
            chosen.append(IdRange(_newest_id(tx, organization_id, first, last, left), last))
            left = 0
    return chosen


def _newest_id(tx: Transaction, organization_id: int, first: int, last: int, number: int) -> int:
    """Return the id from which on at most this number of commits are in a range. Most ids of a range may be unused."""
    own = (COMMITS.c.organization_id == organization_id) & COMMITS.c.id.between(first, last)
    ids = select(COMMITS.c.id).where(own).order_by(COMMITS.c.id.desc())
    found = tx.scalar(ids.offset(number - 1).limit(1))
    return first if found is None else found


def name_of(path: ColumnElement[str]) -> ColumnElement[str]:
    """Return the SQL expression for the file name in a path, as far as the index stores it."""
    # No database has a function for the last segment. Trimming all characters but "/" from the right leaves the folder.
    folder = func.length(func.rtrim(path, func.replace(path, "/", "")))
    return func.substr(path, folder + 1, literal(_NAME_LENGTH))
