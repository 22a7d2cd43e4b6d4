"""Back up a whole database into a file, and restore it: SQLite by its online backup, PostgreSQL by its own tools."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import URL

from .engine import Store
from .errors import StoreError

# Pages that are copied before a writer gets its turn.
_PAGES: Final = 1_000
_HEADER: Final = b"SQLite format 3\x00"
_CUSTOM_DUMP: Final = b"PGDMP"
# The parameters of a connection that the URL may have, as the variables of PostgreSQL's library.
_VARIABLES: Final = {
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "passfile": "PGPASSFILE",
    "host": "PGHOST",
    "port": "PGPORT",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "options": "PGOPTIONS",
    "connect_timeout": "PGCONNECT_TIMEOUT",
}


def back_up(store: Store, file: Path, *, replace: bool = False) -> None:
    """Write a consistent copy of the database to a file, while the service runs.

    The file appears when it is complete, and only its owner may read it.

    Raises:
        StoreError: the file exists, or the database cannot be copied; nothing is left behind.
    """
    if file.exists() and not replace:
        raise StoreError(f"{file} exists; choose another file, or replace it with --replace")
    with new_file(file) as partial:
        if store.file is None:
            _run_tool(store, "pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={partial}")
        else:
            _copy_sqlite(store.file, partial)
            # One file, without a log beside it.
            with closing(sqlite3.connect(partial)) as connection:
                connection.execute("PRAGMA journal_mode = DELETE")


def restore(store: Store, file: Path, *, replace: bool = False) -> None:
    """Make the database what the backup in a file is.

    Raises:
        StoreError: the file is no backup of this kind of database, or is damaged; or the database has tables already,
            and is not to be replaced. The database is unchanged.
    """
    wanted = _HEADER if store.file else _CUSTOM_DUMP
    if not _begins_with(file, wanted):
        kind = "SQLite" if store.file else "PostgreSQL"
        raise StoreError(f"{file} is no backup of a {kind} database; scmhost backup makes one")
    # Looking at a SQLite file that does not exist would create it.
    exists = store.file.exists() if store.file else True
    if not replace and exists and store.schema_state() != "empty":
        raise StoreError(f"database {store.url_without_password} has data; replace it with --replace")
    if store.file is None:
        tables = ["--clean", "--if-exists", "--no-owner", "--no-privileges", "--single-transaction"]
        _run_tool(store, "pg_restore", *tables, f"--dbname={store.url.database}", str(file))
        return
    _check_sqlite(file)
    if replace and _is_damaged(store.file):
        _replace_damaged(file, store.file)
        return
    # Into the database itself, not over its file: SQLite then takes care of a write-ahead log that a crash left, and of
    # processes that have the database open.
    _copy_sqlite(file, store.file)


def _begins_with(file: Path, wanted: bytes) -> bool:
    try:
        with file.open("rb") as opened:
            return opened.read(len(wanted)) == wanted
    except OSError:
        return False


def _copy_sqlite(source: Path, target: Path) -> None:
    try:
        with closing(_read_only(source)) as reading, closing(sqlite3.connect(target, timeout=30)) as writing:
            reading.backup(writing, pages=_PAGES)
    except sqlite3.Error as error:
        raise StoreError(f"{source} cannot be copied to {target}: {error}") from error
    _check_sqlite(target)


def _is_damaged(file: Path) -> bool:
    """Return whether a file, together with its log, is no sound database that SQLite could write into."""
    if not file.exists():
        return False
    try:
        with closing(_read_only(file)) as connection:
            return bool(connection.execute("PRAGMA integrity_check(1)").fetchone() != ("ok",))
    except sqlite3.DatabaseError:
        return True


def _replace_damaged(file: Path, target: Path) -> None:
    """Put a copy of a backup in the place of a damaged database. The log of that one would damage the copy."""
    with new_file(target) as partial:
        _copy_sqlite(file, partial)
        with closing(sqlite3.connect(partial)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")
        for end in ("-wal", "-shm", "-journal"):
            Path(f"{target}{end}").unlink(missing_ok=True)


def _check_sqlite(file: Path) -> None:
    try:
        with closing(_read_only(file)) as connection:
            (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        found = str(error)
    if found != "ok":
        raise StoreError(f"{file} is damaged: {found}")


def _read_only(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=30)


@contextmanager
def new_file(file: Path) -> Iterator[Path]:
    """Yield a file beside the wanted one, which takes its place in the end."""
    partial = file.with_name(f"{file.name}.{os.getpid()}.part")
    try:
        # Before anything is written: a backup has all that the database protects.
        partial.touch(mode=0o600, exist_ok=False)
        yield partial
        # On the disk before it gets its name: after a power cut there is a whole file or none.
        with partial.open("rb+") as written:
            os.fsync(written.fileno())
        partial.replace(file)
    except OSError as error:
        raise StoreError(f"{file} cannot be written: {error.strerror}") from error
    finally:
        partial.unlink(missing_ok=True)


def _run_tool(store: Store, name: str, *arguments: str) -> None:
    program = shutil.which(name)
    if program is None:
        raise StoreError(f"{name} is not installed; install the client programs of PostgreSQL, in the server's version")
    done = subprocess.run(  # noqa: S603 - the program and its arguments are ours
        [program, *arguments],
        env={**os.environ, **_environment(store.url)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise StoreError(f"{name} failed: {done.stderr.strip()[-500:] or done.returncode}")


def _environment(url: URL) -> Mapping[str, str]:
    """Return the variables of a connection. Arguments would show the password to every user of the machine."""
    given = {
        "PGUSER": url.username,
        "PGPASSWORD": url.password,
        "PGHOST": url.host,
        "PGPORT": url.port,
        "PGDATABASE": url.database,
        **{_VARIABLES[name]: value for name, value in url.query.items() if name in _VARIABLES},
    }
    return {name: str(value) for name, value in given.items() if value}
