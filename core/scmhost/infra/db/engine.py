"""The store: the connections of one database, its transactions, caches of rows, and the state of its tables.

Rows that routes need at every request are cached by the version of their organization. Every transaction that changes
such a row names the organization (``Transaction.mark_changed``), and at its end raises the version. A process sees its
own changes at once. It reads the version once a second, so that it sees the changes of others within a second.
"""

import os
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any, Final, Self, TypeAlias, TypeVar, TypeVarTuple, overload

from cachetools import LRUCache
from sqlalchemy import URL, Connection, CursorResult, Engine, Executable, NestedTransaction, ScalarResult, event, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.sql.selectable import TypedReturnsRows

from scmhost.infra.settings import DEFAULT_DATABASE, DatabaseSettings
from scmhost.sdk import Organization

from . import schema
from .base import VERSION_OF, raised_version
from .drivers import Database, checked_url, long_statements, postgresql_engine, reader_options, shown, sqlite_engine
from .errors import StoreError, translate
from .sqlite import SqliteFile

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
K = TypeVar("K", bound=Hashable)

AnyResult: TypeAlias = CursorResult[*tuple[Any, ...]]
Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]]

CHECK_EVERY: Final = timedelta(seconds=1)
MAX_ORGANIZATIONS: Final = 1_024
MAX_ROWS: Final = 4_096
"""How many rows of a kind are cached for an organization."""


class Transaction:
    """A transaction, whose connection is taken from the pool at its first statement.

    It has the methods of SQLAlchemy's session that queries need. A session takes as long as a short statement.

    Attributes:
        changed: the ids of the organizations of which it changes rows that may be cached.
    """

    def __init__(self, engine: Engine, connect: Callable[[Engine], Connection]) -> None:
        self._engine = engine
        self._connect = connect
        self._connection: Connection | None = None
        self.changed: set[int] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._connection is not None:
            # A connection that is closed before a commit rolls back.
            with self._connection as connection:
                if error is None:
                    connection.commit()

    def connection(self) -> Connection:
        """Return the connection. The first call begins the transaction."""
        if self._connection is None:
            self._connection = self._connect(self._engine)
            self._connection.begin()
        return self._connection

    def get_bind(self) -> Engine:
        """Return the engine, which has the dialect."""
        return self._engine

    def mark_changed(self, organization_id: int) -> None:
        """Note that this transaction changes rows of an organization that may be cached: see ``OrganizationCache``."""
        self.changed.add(organization_id)

    def raise_versions(self) -> None:
        """Raise the versions of the organizations that this transaction has changed.

        These are its last statements, in the order of the ids: two writers then cannot wait for each other.
        """
        for organization_id in sorted(self.changed):
            self.execute(raised_version(self._engine.dialect.name, organization_id))

    def version_of(self, organization_id: int) -> int:
        """Return the version of an organization, which is 0 before the first change."""
        return self.scalar(VERSION_OF, {"organization": organization_id}) or 0

    def begin_nested(self) -> NestedTransaction:
        """Begin a savepoint."""
        return self.connection().begin_nested()

    @overload
    def execute(self, statement: TypedReturnsRows[*Ts], parameters: Parameters | None = None) -> CursorResult[*Ts]: ...

    @overload
    def execute(self, statement: Executable, parameters: Parameters | None = None) -> AnyResult: ...

    def execute(self, statement: Executable, parameters: Parameters | None = None) -> Any:
        """Execute a statement."""
        return self.connection().execute(statement, parameters)

    @overload
    def scalars(self, statement: TypedReturnsRows[T], parameters: Parameters | None = None) -> ScalarResult[T]: ...

    @overload
    def scalars(self, statement: Executable, parameters: Parameters | None = None) -> ScalarResult[Any]: ...

    def scalars(self, statement: Executable, parameters: Parameters | None = None) -> ScalarResult[Any]:
        """Execute a statement; return the first column of its rows."""
        return self.connection().scalars(statement, parameters)

    @overload
    def scalar(self, statement: TypedReturnsRows[T], parameters: Mapping[str, Any] | None = None) -> T | None: ...

    @overload
    def scalar(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Any: ...

    def scalar(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Any:
        """Execute a statement; return the first column of its first row, or None."""
        return self.connection().scalar(statement, parameters)


class OrganizationCache:
    """An organization and its rows at one version. Threads may share it.

    A row is read after the version was, so that it is as new as the version, or newer. Another version gets another
    cache: a slow reader of an old row then saves it in a cache that is not used any more.
    """

    def __init__(self, organization: Organization, version: int, changes: int, checked_at: datetime) -> None:
        self.organization = organization
        self.version = version
        self._changes = changes
        self._checked_at = checked_at
        self._rows: dict[str, dict[Any, Any]] = {}

    def is_fresh(self, changes: int, now: datetime) -> bool:
        """Return whether no row has changed, except those that other processes changed in the last second."""
        # A check in the future comes from a clock that was set back.
        return self._changes == changes and self._checked_at <= now < self._checked_at + CHECK_EVERY

    def confirm(self, version: int, changes: int, now: datetime) -> bool:
        """Make the cache fresh again if the version is still this one. Return whether it is."""
        if (self.version, self._changes) != (version, changes):
            return False
        self._checked_at = now
        return True

    def peek(self, kind: str, key: Hashable) -> Any:
        """Return a row, or None if it is not cached."""
        return self._of(kind).get(key)

    def keep(self, kind: str, key: Hashable, row: object, most: int = MAX_ROWS) -> None:
        """Cache a row, of which there may be ``most``."""
        self._keep(self._of(kind), {key: row}, most)

    def get(self, kind: str, key: Hashable, read: Callable[[], T]) -> T:
        """Return a row; one that is not cached is read first. None is not cached, as the row may be made elsewhere."""
        rows = self._of(kind)
        row: T | None = rows.get(key)
        if row is None:
            row = read()
            self._keep(rows, {key: row})
        return row

    def get_many(self, kind: str, keys: Iterable[K], read: Callable[[list[K]], Mapping[K, T]]) -> dict[K, T]:
        """Return the rows with these keys, as far as they exist."""
        rows = self._of(kind)
        found: dict[K, T] = {}
        missing = []
        for key in keys:
            row = rows.get(key)
            if row is None:
                missing.append(key)
            else:
                found[key] = row
        if missing:
            new = read(missing)
            self._keep(rows, new)
            found.update(new)
        return found

    def _of(self, kind: str) -> dict[Any, Any]:
        return self._rows.setdefault(kind, {})

    def _keep(self, rows: dict[Any, Any], new: Mapping[Any, Any], most: int = MAX_ROWS) -> None:
        # Emptied instead of shrunk by the least recently used: that would need a lock for each look-up.
        if len(rows) + len(new) > most:
            rows.clear()
        rows.update((key, row) for key, row in new.items() if row is not None)


class OrganizationCaches:
    """The caches of recently used organizations, of one store."""

    def __init__(self, store: "Store") -> None:
        self._store = store
        self._caches: LRUCache[int | str, OrganizationCache] = LRUCache(2 * MAX_ORGANIZATIONS)
        self._lock = Lock()

    def get(self, organization: int | str, now: datetime) -> OrganizationCache | None:
        """Return the cache of an organization by id or slug, if it is fresh."""
        with self._lock:
            cache = self._caches.get(organization)
        if cache and cache.is_fresh(self._store.changes(cache.organization.id), now):
            return cache
        return None

    def of(self, organization: Organization, now: datetime) -> OrganizationCache:
        """Return the cache of an organization, or a new one if it has changed. Call it outside of a transaction."""
        with self._lock:
            cache = self._caches.get(organization.id)
        # Read before the version, so that a change in between is noticed later.
        changes = self._store.changes(organization.id)
        if cache and cache.is_fresh(changes, now):
            return cache
        with self._store.read() as tx:
            version = tx.version_of(organization.id)
        if cache is None or not cache.confirm(version, changes, now):
            cache = OrganizationCache(organization, version, changes, now)
            with self._lock:
                # A slug is never digits alone, and never changes.
                self._caches[organization.id] = self._caches[organization.slug] = cache
        return cache

    def find(
        self, id_or_slug: int | str, now: datetime, find: Callable[[Transaction, int | str], Organization | None]
    ) -> OrganizationCache | None:
        """Return the cache of the organization that a client names; None if ``find`` finds none in the database."""
        cache = self.get(id_or_slug, now)
        if cache:
            return cache
        with self._store.read() as tx:
            organization = find(tx, id_or_slug)
        return self.of(organization, now) if organization else None


class Store:
    """The database of a process. Threads may share it."""

    def __init__(self, engine: Engine, database: Database) -> None:
        self._engine = engine
        self._database = database
        self._reader = engine.execution_options(**reader_options(engine))
        self._writer = engine.execution_options(writes=True)
        self._changes: Counter[int] = Counter()
        self.caches = OrganizationCaches(self)

    @classmethod
    def open(cls, database_url: str, settings: DatabaseSettings = DEFAULT_DATABASE) -> Self:
        """Return a store for ``sqlite:///path`` or ``postgresql://user:password@host/name``, without a connection yet.

        Raises:
            StoreError: the URL is malformed, or of another kind of database.
        """
        url = checked_url(database_url)
        if url.get_backend_name() != "sqlite":
            return cls(*postgresql_engine(url, settings))
        engine = sqlite_engine(url, settings.lock_seconds)
        event.listen(engine, "begin", _begin_sqlite)
        return cls(engine, SqliteFile(str(url.database), shown(url)))

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """Open a transaction that sees one state of the database."""
        with self._translating(), Transaction(self._reader, self._connect) as tx:
            yield tx

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """Open a transaction that is saved as a whole, or not at all if the block raises."""
        with self._translating():
            with Transaction(self._writer, self._connect) as tx:
                yield tx
                tx.raise_versions()
            if self._database.opened and self._is_moved():
                # The change may be in a file that nobody will read again.
                self._database.require_same()
            self._changes.update(tx.changed)

    def changes(self, organization_id: int) -> int:
        """Return how many transactions of this process have changed rows of an organization that may be cached."""
        return self._changes[organization_id]

    def migrate(self) -> None:
        """Upgrade the tables to this version. Several processes may do so at once.

        Raises:
            StoreError: the tables are of a newer version that this one cannot serve; they are unchanged.
        """
        with self._changing_schema() as connection:
            schema.upgrade(connection)
        if self.schema_state() == "newer":
            raise StoreError(f"Database {self.url_without_password}: {schema.PROBLEMS['newer']}.")

    def downgrade(self, revision: str = "base") -> None:
        """Downgrade the tables to a revision. ``base`` deletes everything."""
        with self._changing_schema() as connection:
            schema.downgrade(connection, revision)

    def schema_state(self) -> schema.SchemaState:
        """Return which version of scmhost the tables are of."""
        return self.schema_status().state

    def schema_status(self) -> schema.SchemaStatus:
        """Return the same, with the revisions of the tables and of the code that can serve them."""
        with self._translating(), self._connect(self._reader) as connection:
            return schema.status(connection)

    def ping(self) -> None:
        """Check that the database answers.

        Raises:
            StoreUnreachable: it does not.
        """
        with self.read() as tx:
            tx.execute(text("SELECT 1"))

    def check(self) -> None:
        """Check the file of SQLite as a whole: it is the one that was opened, undamaged and writable.

        Raises:
            Unavailable: it cannot be used as it should; ``public`` is the reason without secrets.
        """
        self._database.check()

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    @property
    def file(self) -> Path | None:
        """SQLite's file, or None for a database server."""
        url = self._engine.url
        return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None

    @property
    def url(self) -> URL:
        """The database's URL, with its password."""
        return self._engine.url

    @property
    def url_without_password(self) -> str:
        """The database's URL as an operator writes it, for messages and logs; of a file, with its whole path."""
        return shown(self.url)

    def _connect(self, engine: Engine) -> Connection:
        known = self._database.opened and not self._is_moved()
        return engine.connect() if known else self._database.connect(engine)

    def _is_moved(self) -> bool:
        """Return whether the file is not the one any more that is open. Every transaction asks for it."""
        try:
            found = os.stat(self._database.path)  # noqa: PTH116
        except OSError:
            return True
        return (found.st_dev, found.st_ino) != self._database.opened or not found.st_size

    @contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            own = translate(error, self.url_without_password)
            if own is None:
                raise
            self._database.note(own)
            raise own from error

    @contextmanager
    def _changing_schema(self) -> Iterator[Connection]:
        with (
            long_statements(),
            self._translating(),
            self._connect(self._writer) as connection,
            schema.without_foreign_keys(connection),
            connection.begin(),
        ):
            yield connection


def _begin_sqlite(connection: Connection) -> None:
    if connection.get_execution_options().get("writes"):
        # At once: a reader that becomes a writer fails when another writer was faster.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        # This takes no lock and cannot fail. SQLAlchemy takes several times as long for it.
        driver: Any = connection.connection.driver_connection
        driver.execute("BEGIN")
