"""PostgreSQL's connections: no statement, lock or silent server is waited for without a limit.

The server itself ends statements and waits for locks: every transaction begins with its limits, so that they hold
behind a pooler that shares connections, too. A server that stands still ends nothing. So a statement without an answer
for a second makes one thread open another connection; if that gets no answer either, all waiting statements are given
up, and new transactions are refused at once until the server answers again.
"""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from threading import Lock, get_ident, local
from time import monotonic
from typing import Any, Final

import psycopg
from psycopg import generators, pq
from psycopg.errors import ConnectionTimeout, error_from_result
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError

from scmhost.infra.settings import DatabaseSettings

from .drivers import Database, is_long

SILENT_AFTER: Final = 1.0
"""Seconds without an answer after which the server is checked, and the longest time that a check may take."""
REFUSED_FOR: Final = 1.0
"""Seconds for which transactions are refused without a try, once the server did not answer."""
_TRIAL_SECONDS: Final = 6.0
# The server ends a statement itself, if it can.
_GRACE_SECONDS: Final = 1.0

_A_MOMENT_AGO: Final = "the server gave no answer a moment ago"

_thread = local()


class ServerSilent(psycopg.OperationalError):
    """The server gave no answer in time. The connection is closed."""


@contextmanager
def _checking() -> Iterator[None]:
    """Give up each wait of this thread after ``SILENT_AFTER``."""
    before = getattr(_thread, "checking", False)
    _thread.checking = True
    try:
        yield
    finally:
        _thread.checking = before


class LimitedConnection(psycopg.Connection[Any]):
    """A connection whose waits end: see the module."""

    server: "PostgresServer | None" = None

    def begin(self) -> None:
        """Begin a transaction, with its limits in the same message; nothing if each statement is one of its own."""
        if self.autocommit:
            return
        words = ["BEGIN"]
        if self.isolation_level is not None:
            words.append(f"ISOLATION LEVEL {psycopg.IsolationLevel(self.isolation_level).name.replace('_', ' ')}")
        if self.read_only:
            words.append("READ ONLY")
        statement, lock = (round(seconds * 1000) for seconds in self._limits())
        text = f"{' '.join(words)}; SET LOCAL statement_timeout = {statement}; SET LOCAL lock_timeout = {lock}"
        with self.lock:
            self.pgconn.send_query(text.encode())
            results = self.wait(generators.execute(self.pgconn))
        for result in results:
            if result.status != pq.ExecStatus.COMMAND_OK:
                raise error_from_result(result)

    def wait(self, gen: Any, *args: Any, **options: Any) -> Any:
        """Wait for an answer, up to the limits.

        Raises:
            ServerSilent: there is none.
        """
        return super().wait(self._watched(gen), *args, **options)

    def _watched(self, waiting: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        started = monotonic()
        try:
            wanted = next(waiting)
            while True:
                ready = yield wanted
                # The driver wakes up several times a second, without anything to read.
                if not ready:
                    self._check(monotonic() - started)
                wanted = waiting.send(ready)
        except StopIteration as end:
            return end.value

    def _check(self, waited: float) -> None:
        if waited < SILENT_AFTER:
            return
        too_long = getattr(_thread, "checking", False) or waited > self._limits()[0] + _GRACE_SECONDS
        if too_long or (self.server and not self.server.answers()):
            self.pgconn.finish()
            raise ServerSilent("the server gave no answer")

    def _limits(self) -> tuple[float, float]:
        """Return how long a statement may take, and how long it may wait for a lock, in seconds."""
        settings = self.server.settings if self.server else DatabaseSettings()
        if is_long():
            return settings.long_statement_seconds, settings.long_statement_seconds
        return settings.statement_seconds, settings.lock_seconds


class PostgresServer(Database):
    """A server, and whether it answers. All threads of a process share what one of them finds out."""

    def __init__(self, settings: DatabaseSettings) -> None:
        self.settings = settings
        self._connect: tuple[tuple[Any, ...], dict[str, Any]] = ((), {})
        self._lock = Lock()
        self._answered_at = self._refused_until = 0.0
        self._trial = 0

    def open(self, arguments: tuple[Any, ...], options: dict[str, Any]) -> LimitedConnection:
        """Open a connection for the pool.

        Raises:
            ServerSilent: the server did not answer a moment ago.
        """
        self._connect = (arguments, options)
        # This thread may have waited for a place in the pool while another one found out.
        if monotonic() < self._refused_until and self._trial != get_ident():
            raise ServerSilent(_A_MOMENT_AGO)
        connection = LimitedConnection.connect(*arguments, **options)
        connection.server = self
        return connection

    def connect(self, engine: Engine) -> Connection:
        """Return a connection of the pool that answers.

        Raises:
            OperationalError: there is none, or the server did not answer a moment ago.
        """
        self._enter()
        try:
            with _checking():
                connection = engine.connect()
        except SQLAlchemyError as error:
            if isinstance(error, DBAPIError):
                self._note(answered=not _is_silent(error.orig))
            elif self._refused_until:
                # All connections are in use: the server itself may be well.
                self._refused_until = monotonic()
            raise
        self._note(answered=True)
        return connection

    def answers(self) -> bool:
        """Return whether the server answers on another connection, now or less than a second ago."""
        with self._lock:
            if monotonic() < self._answered_at + SILENT_AFTER:
                return True
            if monotonic() < self._refused_until:
                return False
            arguments, options = self._connect
            try:
                with _checking(), LimitedConnection.connect(*arguments, **options) as probe:
                    probe.execute("SELECT 1")
            except psycopg.Error as error:
                # A refusal is an answer too, for example of a server without a free connection.
                self._note(answered=not _is_silent(error))
            else:
                self._note(answered=True)
            return self._refused_until == 0.0

    def _enter(self) -> None:
        """Refuse a transaction while the server does not answer. Once in a while one is let through, to try it."""
        now = monotonic()
        if self._refused_until == 0.0:
            return
        with self._lock:
            if now < self._refused_until:
                raise OperationalError(None, None, ServerSilent(_A_MOMENT_AGO))
            if self._refused_until:
                self._refused_until, self._trial = now + _TRIAL_SECONDS, get_ident()

    def _note(self, *, answered: bool) -> None:
        now = monotonic()
        if answered:
            self._answered_at, self._refused_until = now, 0.0
        else:
            self._refused_until = now + REFUSED_FOR


def _is_silent(error: BaseException | None) -> bool:
    return isinstance(error, ServerSilent | ConnectionTimeout)
