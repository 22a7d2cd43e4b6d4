"""What the store raises, chosen by what the caller should do next."""

import sqlite3
from collections.abc import Callable, Mapping
from typing import Final

from sqlalchemy.exc import DBAPIError, DontWrapMixin, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from scmhost.infra.errors import Conflict, InvalidInput, NotFound, ScmhostError, Unavailable


class StoreError(ScmhostError):
    """The database cannot be used as it is. The text says what the operator should do."""


class BadText(InvalidInput, DontWrapMixin):
    """A text or value that no database takes."""


class Missing(NotFound):
    """A row refers to one that is not there in its organization."""


class Duplicate(Conflict):
    """A row with this key is there already."""


class StoreBusy(Unavailable):
    """Another writer was too slow, or too many connections are in use."""


class StoreFull(Unavailable):
    """Nothing can be written now."""


class StoreUnreachable(Unavailable):
    """The database does not answer."""


_TEXTS: Final[Mapping[type[ScmhostError], str]] = {
    Duplicate: "Database {url} holds a row with this key already; read it and change it instead.",
    Missing: "Database {url} misses a row that this one refers to; it may just have been deleted.",
    StoreBusy: "Database {url} is busy with other writers; send the same request again in a moment.",
    StoreFull: "Database {url} cannot be written: its disk is full or it is read-only; free space or allow writing.",
    StoreUnreachable: "Database {url} does not answer; check that it runs and that its address and access are right.",
    StoreError: "Database {url} does not have the tables that are needed; bring it up to date with `scmhost migrate`.",
}

_SQLITE: Final[Mapping[int, type[ScmhostError]]] = {
    sqlite3.SQLITE_BUSY: StoreBusy,
    sqlite3.SQLITE_LOCKED: StoreBusy,
    sqlite3.SQLITE_FULL: StoreFull,
    sqlite3.SQLITE_READONLY: StoreFull,
    sqlite3.SQLITE_IOERR: StoreFull,
    sqlite3.SQLITE_CANTOPEN: StoreUnreachable,
    sqlite3.SQLITE_NOTADB: StoreUnreachable,
    sqlite3.SQLITE_CONSTRAINT_UNIQUE: Duplicate,
    sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY: Duplicate,
    sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY: Missing,
}

# By SQLSTATE, else by its class, the first two characters.
_POSTGRESQL: Final[Mapping[str, type[ScmhostError]]] = {
    "23505": Duplicate,
    "23503": Missing,
    "25006": StoreFull,
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
}


def translated(error: SQLAlchemyError, url: str) -> ScmhostError | None:
    """The store's own error for one of SQLAlchemy's, or None for what is a mistake in scmhost itself."""
    kind = kind_of(error)
    return kind(_TEXTS[kind].format(url=url)) if kind else None


def kind_of(error: SQLAlchemyError) -> type[ScmhostError] | None:
    """Which of the store's errors one of SQLAlchemy's is."""
    if isinstance(error, PoolTimeout):
        return StoreBusy
    if not isinstance(error, DBAPIError) or error.orig is None:
        return None
    return next((kind for tell in _TELLERS if (kind := tell(error.orig))), None)


def _by_sqlite_code(error: BaseException) -> type[ScmhostError] | None:
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return None
    if code == sqlite3.SQLITE_ERROR and "no such" in str(error):
        return StoreError
    # The low byte is the family, of which the rest is a detail.
    return _SQLITE.get(code) or _SQLITE.get(code & 0xFF)


def _by_sqlstate(error: BaseException) -> type[ScmhostError] | None:
    state = getattr(error, "sqlstate", None)
    if state is None:
        # psycopg gives no state when there is no server to give one.
        return StoreUnreachable if type(error).__name__ == "OperationalError" and _is_psycopg(error) else None
    return _POSTGRESQL.get(state) or _POSTGRESQL.get(state[:2])


def _is_psycopg(error: BaseException) -> bool:
    return type(error).__module__.startswith("psycopg")


_TELLERS: Final[tuple[Callable[[BaseException], type[ScmhostError] | None], ...]] = (_by_sqlite_code, _by_sqlstate)
