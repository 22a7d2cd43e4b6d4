"""Reads from a replica of PostgreSQL, in which every client sees its own writes.

Each request that writes raises a counter of its organization, in the same transaction. Before a request reads, the
counter is read on the primary server, and then in the transaction on the replica: if it is lower there, the replica
has not replayed the last write, and the primary server answers. So it does not matter which worker, machine or command
has written, which replica answers, or how far it is behind.

Only requests that change nothing, and whose organization is known, read from the replica. Everything else reads from
the primary server: jobs, commands, and what a request reads before it writes.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Any, Final, Self

import structlog
from sqlalchemy import URL, Connection, Engine, bindparam, select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import SQLAlchemyError

from scmhost.infra.errors import Unavailable
from scmhost.infra.settings import DEFAULT_DATABASE, DatabaseSettings

from .base import VERSIONS
from .drivers import checked_url, postgresql_engine, reader_options
from .engine import Store, Transaction
from .errors import StoreError, kind_of

TRY_AGAIN_AFTER: Final = 5.0
"""Seconds for which a replica that cannot be used is left alone."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class RequestScope:
    """What a store needs to know of a request. The threads of the request share the one object.

    Attributes:
        reads: whether it changes nothing.
        organization_id: its organization, once that is known.
    """

    reads: bool
    organization_id: int | None = None


REQUEST: Final = ContextVar[RequestScope | None]("request", default=None)
"""The request of this context; None outside of requests."""

_IS_ORGANIZATION: Final = VERSIONS.c.organization_id == bindparam("organization")
_WRITES: Final = select(VERSIONS.c.version + VERSIONS.c.writes).where(_IS_ORGANIZATION)
_RAISE: Final = (
    postgresql.insert(VERSIONS)
    .values(version=0, writes=1)
    .on_conflict_do_update(index_elements=[VERSIONS.c.organization_id], set_={"writes": VERSIONS.c.writes + 1})
)
# A replica has the identifier of its primary server.
_SAME: Final = text("SELECT system_identifier, current_database() FROM pg_control_system()")

_DELAY: Final = text(
    "SELECT CASE WHEN pg_last_wal_receive_lsn() > pg_last_wal_replay_lsn() "
    "THEN extract(epoch FROM now() - pg_last_xact_replay_timestamp()) ELSE 0 END"
)


class Replica:
    """A replica, and whether it can be used."""

    def __init__(self, url: URL, settings: DatabaseSettings, primary: Callable[[], Connection]) -> None:
        engine, self._server = postgresql_engine(url, settings)
        self._engine = engine.execution_options(**reader_options(engine))
        self._primary = primary
        self._is_checked = False
        self._left_alone_until = 0.0

    @property
    def is_used(self) -> bool:
        """Whether it is asked now."""
        return monotonic() >= self._left_alone_until

    def begin(self, organization_id: int) -> Connection | None:
        """Begin a transaction that sees all writes to an organization so far, or return None."""
        if not self.is_used:
            return None
        with self._primary() as primary:
            written = _writes(primary, organization_id)
        connection = None
        try:
            connection = self._server.connect(self._engine)
            self._check(connection)
            connection.begin()
            if _writes(connection, organization_id) >= written:
                return connection
        except (SQLAlchemyError, StoreError) as error:
            self._leave_alone(error)
        if connection is not None:
            connection.close()
        return None

    def delay(self) -> float:
        """Return for how many seconds the replica has not replayed what it has received.

        Raises:
            StoreError: it is no replica of this database.
            SQLAlchemyError: it does not answer.
        """
        with self._server.connect(self._engine) as connection:
            self._check(connection)
            return float(connection.scalar(_DELAY) or 0)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def _check(self, connection: Connection) -> None:
        """Check once that it is a replica of this database: another one has other rows under the same ids.

        Raises:
            StoreError: it is not.
        """
        if self._is_checked:
            return
        with self._primary() as primary:
            wanted = primary.execute(_SAME).one()
        if connection.execute(_SAME).one() != wanted:
            raise StoreError("host.read_url is no replica of host.database_url; name one, or remove the setting")
        connection.rollback()
        self._is_checked = True

    def _leave_alone(self, error: SQLAlchemyError | StoreError) -> None:
        """Read from the primary server for a while.

        Raises:
            SQLAlchemyError: the error is a bug of scmhost.
        """
        kind = StoreError if isinstance(error, StoreError) else kind_of(error)
        if kind is None or not issubclass(kind, StoreError | Unavailable):
            raise error
        self._left_alone_until = monotonic() + TRY_AGAIN_AFTER
        # The next server at this address may be another one.
        self._is_checked = False
        log.warning("replica not used", error=str(error).splitlines()[0], seconds=TRY_AGAIN_AFTER)


def _writes(connection: Connection, organization_id: int) -> int:
    return connection.scalar(_WRITES, {"organization": organization_id}) or 0


class ReplicaTransaction(Transaction):
    """A transaction that reads from the replica if it can, and else from the primary server."""

    def __init__(
        self, primary: Engine, connect: Callable[[Engine], Connection], replica: Replica, organization_id: int
    ) -> None:
        super().__init__(primary, connect)
        self._replica = replica
        self._organization_id = organization_id

    def connection(self) -> Connection:
        """Return the connection. The first call begins the transaction."""
        if self._connection is None:
            self._connection = self._replica.begin(self._organization_id)
        return super().connection()


class ReplicatedStore(Store):
    """A store on PostgreSQL whose requests read from a replica."""

    replica: Replica

    @classmethod
    def open_with(cls, database_url: str, read_url: str, settings: DatabaseSettings = DEFAULT_DATABASE) -> Self:
        """Return a store for a primary server and its replica.

        Raises:
            StoreError: a URL is malformed, or not of PostgreSQL.
        """
        urls = checked_url(database_url), checked_url(read_url)
        if {url.get_backend_name() for url in urls} != {"postgresql"}:
            raise StoreError("host.read_url needs PostgreSQL in both URLs; SQLite has no replicas, remove the setting")
        store = cls.open(database_url, settings)
        # One statement, which needs no transaction.
        primary = store._engine.execution_options(isolation_level="AUTOCOMMIT")  # noqa: SLF001 - of this class
        store.replica = Replica(urls[1], settings, partial(store._connect, primary))  # noqa: SLF001
        return store

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """Open a transaction that sees one state of the database, with all writes to the request's organization."""
        scope = REQUEST.get()
        if scope is None or not scope.reads or scope.organization_id is None:
            with super().read() as tx:
                yield tx
            return
        primary = (self._reader, self._connect)
        with self._translating(), ReplicaTransaction(*primary, self.replica, scope.organization_id) as tx:
            yield tx

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """Open a transaction that is saved as a whole, or not at all if the block raises."""
        with super().write() as tx:
            yield tx
            scope = REQUEST.get()
            # A raised version counts as well.
            if scope and scope.organization_id and scope.organization_id not in tx.changed:
                parameters: dict[str, Any] = {"organization_id": scope.organization_id}
                tx.execute(_RAISE, parameters)

    def replica_delay(self) -> float:
        """Return for how many seconds the replica has not replayed what it has received.

        Raises:
            StoreError: it is no replica of this database.
            StoreUnreachable: it does not answer.
        """
        with self._translating():
            return self.replica.delay()

    def close(self) -> None:
        """Close all connections."""
        self.replica.close()
        super().close()


def open_store(database_url: str, read_url: str | None = None, settings: DatabaseSettings = DEFAULT_DATABASE) -> Store:
    """Return the store of a host, without a connection yet; ``read_url`` is that of a replica, if there is one.

    Raises:
        StoreError: a URL is malformed, or of a database that cannot be used so.
    """
    if read_url:
        return ReplicatedStore.open_with(database_url, read_url, settings)
    return Store.open(database_url, settings)
