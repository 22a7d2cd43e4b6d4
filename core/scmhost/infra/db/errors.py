"""The errors of the store, by what the caller should do, and their recognition in the drivers' errors."""

import re
import sqlite3
from collections.abc import Mapping
from typing import Final

from sqlalchemy.exc import DBAPIError, DontWrapMixin, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from scmhost.infra.errors import Conflict, InvalidInput, NotFound, ScmhostError, Unavailable


class StoreError(ScmhostError):
    """The operator must change the database or its URL. The text says how."""

    retry_after = 5


class BadText(InvalidInput, DontWrapMixin):
    """A text or value that cannot be stored."""


class MissingReference(NotFound):
    """A row refers to a row that does not exist in its organization."""


class Duplicate(Conflict):
    """A row with this key exists already."""


class StoreBusy(Unavailable):
    """Another writer was too slow, or too many connections are in use."""


class StoreFull(Unavailable):
    """The database cannot be written: disk full, or read-only."""


class StoreUnreachable(Unavailable):
    """The database does not answer."""


class StoreDamaged(StoreUnreachable):
    """The database is damaged, or its file is no database."""


_TEXTS: Final[Mapping[type[ScmhostError], str]] = {
    Duplicate: "Database {url} holds a row with this key already; read it and change it instead.",
    MissingReference: "Database {url} misses a row that this one refers to; it may just have been deleted.",
    StoreBusy: "Database {url} is busy with other requests; send the same request again in a moment.",
    StoreFull: "Database {url} cannot be written: its disk is full or it is read-only; free space or allow writing.",
    StoreUnreachable: "Database {url} {cause}.",
    StoreDamaged: "Database {url} is damaged, or is no database; stop the service and restore a backup.",
    StoreError: "Database {url} does not have the tables that are needed; `scmhost db status` shows what to do.",
}

_SQLITE: Final[Mapping[int, type[ScmhostError]]] = {
    sqlite3.SQLITE_BUSY: StoreBusy,
    sqlite3.SQLITE_LOCKED: StoreBusy,
    sqlite3.SQLITE_FULL: StoreFull,
    sqlite3.SQLITE_READONLY: StoreFull,
    sqlite3.SQLITE_IOERR: StoreFull,
    sqlite3.SQLITE_IOERR_SHORT_READ: StoreDamaged,
    sqlite3.SQLITE_CORRUPT: StoreDamaged,
    sqlite3.SQLITE_PROTOCOL: StoreBusy,
    sqlite3.SQLITE_CANTOPEN: StoreUnreachable,
    sqlite3.SQLITE_NOTADB: StoreDamaged,
    sqlite3.SQLITE_CONSTRAINT_UNIQUE: Duplicate,
    sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY: Duplicate,
    sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY: MissingReference,
}

# By SQLSTATE, else by its class, the first two characters.
_POSTGRESQL: Final[Mapping[str, type[ScmhostError]]] = {
    # 23505 and 23503: violated unique key and foreign key. 25006: read-only transaction. 42501: missing privilege.
    # 42P01 and 42703: missing table and column, of a database that was not migrated. 53100: disk full.
    # 08, 28 and 3D: connection, password, database name. 25P: a limit of an idle or a long transaction. 40: deadlock or
    # serialization failure. 53: too many connections. 55: lock not available. 57: the server shuts down; 57014: a
    # statement took too long. 58: an error of the system. XX001 and XX002: damaged table and index.
    "23505": Duplicate,
    "23503": MissingReference,
    "25006": StoreFull,
    "25P03": StoreBusy,
    "25P04": StoreBusy,
    "42501": StoreUnreachable,
    "42P01": StoreError,
    "42703": StoreError,
    "53100": StoreFull,
    "08": StoreUnreachable,
    "28": StoreUnreachable,
    "3D": StoreUnreachable,
    "40": StoreBusy,
    "53": StoreBusy,
    "55": StoreBusy,
    "57": StoreUnreachable,
    "57014": StoreBusy,
    "58": StoreUnreachable,
    "XX001": StoreDamaged,
    "XX002": StoreDamaged,
}


_NOT_OPENED: Final = "the file or its folder is missing, or may not be read or written"
_SEE_LOG: Final = "does not answer; see the log of the service"
_UNKNOWN_CAUSE: Final = "does not answer; check that it runs and that its address and access are right"
# By what PostgreSQL and its library write. Without a connection there is no SQLSTATE that would say it.
_CAUSES: Final = (
    (r"password authentication failed|no password supplied", "the user or the password is wrong"),
    (r'role "[^"]*" (does not exist|is not permitted)', "the server has no such user, or does not let it log in"),
    (r'database "[^"]*" does not exist', "the server has no database of this name; create it first"),
    (r"pg_hba\.conf", "its pg_hba.conf does not allow this user from this address, or not without TLS"),
    (r"translate host name|resolve host|name resolution|Name or service not known", "its host name is unknown"),
    (r"Connection refused|No such file or directory", "nothing listens at its host and port; check that it runs"),
    (
        r"too many (clients|connections)|connection slots are reserved",
        "all of its connections are in use; lower [database] pool_size, or raise its max_connections",
    ),
    (r"starting up|shutting down|recovery mode", "it starts or stops just now"),
    (r"gave no answer", "it does not answer: it stands still, or is overloaded"),
    (r"timeout expired|timed out", "its host gives no answer; check the address, and firewalls between"),
    (r"SSL|certificate|sslmode", "TLS fails; check sslmode and sslrootcert in its URL"),
    (r"permission denied", "its user has no access to a table or schema; GRANT it to the user"),
)


def translate(error: SQLAlchemyError, url: str) -> ScmhostError | None:
    """Return the store's error for an error of SQLAlchemy, or None for a bug of scmhost such as a wrong statement."""
    kind = kind_of(error)
    if kind is None:
        return None
    text = str(getattr(error, "orig", None) or "")
    if getattr(getattr(error, "orig", None), "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_CANTOPEN:
        return unusable(kind, url, _NOT_OPENED)
    cause = next((f"cannot be used: {what}" for pattern, what in _CAUSES if re.search(pattern, text)), _UNKNOWN_CAUSE)
    own = kind(_TEXTS[kind].format(url=url, cause=cause))
    # Neither the address nor the cause: a caller without a valid token may get this answer.
    own.public = _TEXTS[kind].replace("Database {url}", "The database").format(cause=_SEE_LOG)
    return own


def unusable(kind: type[ScmhostError], url: str, cause: str) -> ScmhostError:
    """Return an error of the store for a cause that callers may see: it names neither the database nor its host."""
    own = kind(f"Database {url} cannot be used: {cause}.")
    own.public = f"The database cannot be used: {cause}."
    return own


def kind_of(error: SQLAlchemyError) -> type[ScmhostError] | None:
    """Return the class of the store's errors that an error of SQLAlchemy is, or None."""
    # The pool's timeout has no driver error that could be examined.
    if isinstance(error, PoolTimeout):
        return StoreBusy
    if not isinstance(error, DBAPIError) or error.orig is None:
        return None
    return _by_sqlite_code(error.orig) or _by_sqlstate(error.orig)


def _by_sqlite_code(error: BaseException) -> type[ScmhostError] | None:
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return None
    # SQLite has no code of its own for "no such table" and "no such column".
    if code == sqlite3.SQLITE_ERROR and "no such" in str(error):
        return StoreError
    # The low byte of an extended code is its primary code.
    return _SQLITE.get(code) or _SQLITE.get(code & 0xFF)


def _by_sqlstate(error: BaseException) -> type[ScmhostError] | None:
    state = getattr(error, "sqlstate", None)
    if state is None:
        # Without a connection there is no state. The class is compared by name, because psycopg is not always imported.
        names = {kind.__name__ for kind in type(error).__mro__ if kind.__module__.startswith("psycopg")}
        return StoreUnreachable if names & {"OperationalError", "InterfaceError"} else None
    return _POSTGRESQL.get(state) or _POSTGRESQL.get(state[:2])
