"""SQLite's file: whether it is still the one that was opened, undamaged, and may be written.

SQLite itself notices neither a file that was removed or replaced while it is open, nor most damage, until it reads the
damaged page. The file is never opened here other than by SQLite: closing it would drop SQLite's locks on it.
"""

import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from time import monotonic
from typing import Final

from sqlalchemy import Connection, Engine

from scmhost.infra.errors import ScmhostError

from .drivers import Database
from .errors import StoreDamaged, StoreFull, StoreUnreachable, unusable

_REMOVED: Final = "the file was removed while it was in use; put it back, or stop the service and restore a backup"
_EMPTIED: Final = "the file was emptied while it was in use; stop the service and restore a backup"
_REPLACED: Final = "the file was replaced while it was in use; put the old one back, or stop the service and restore it"
_DAMAGED: Final = "the file is damaged; stop the service and restore a backup"
_READ_ONLY: Final = "the file or its folder is read-only; allow writing"
_FULL: Final = "its disk is full; free space"
_UNWRITABLE: Final = "it was full or read-only a moment ago; free space or allow writing"

# No file has this identity, so that each connection passes ``SqliteFile.connect``.
_UNKNOWN: Final = (-1, -1)

# Less than a checkpoint of the write-ahead log needs.
_LEAST_FREE_BYTES: Final = 1_000_000
_CHECK_AGAIN_SECONDS: Final = 10.0


class SqliteFile(Database):
    """The file of a database, by its path and its URL as messages show it."""

    def __init__(self, path: str, url: str) -> None:
        # As SQLAlchemy does, so that the program may change its working directory.
        self.path = os.path.abspath(path)  # noqa: PTH100
        self._identity: tuple[int, int] | None = None
        self._url = url
        self._unwritable_at: float | None = None
        self._damaged_at: float | None = None

    def connect(self, engine: Engine) -> Connection:
        """Return a connection to the file that this process has open; the first one opens it.

        Raises:
            StoreUnreachable: the file is another one, there is none any more, or it is damaged.
        """
        self.require_same()
        if self._damaged_at is not None:
            self._check_content()
        if self._identity is None:
            self._check_log()
        connection = engine.connect()
        # A URI of SQLite, such as file:x.db?vfs=..., names no file that could be compared.
        if self._identity is None and Path(self.path).exists():
            found = Path(self.path).stat()
            self._identity = self.opened = (found.st_dev, found.st_ino)
        return connection

    def require_same(self) -> None:
        """Check that the file is the one that was opened.

        Raises:
            StoreUnreachable: it is another one, it is empty, or there is none any more.
        """
        if self._identity is None:
            return
        try:
            found = Path(self.path).stat()
        except OSError:
            raise unusable(StoreUnreachable, self._url, _REMOVED) from None
        if (found.st_dev, found.st_ino) != self._identity:
            raise unusable(StoreUnreachable, self._url, _REPLACED)
        if not found.st_size:
            raise unusable(StoreUnreachable, self._url, _EMPTIED)

    def note(self, error: Exception) -> None:
        """Remember an error of a request, so that ``check`` looks for its cause."""
        if isinstance(error, StoreFull):
            self._unwritable_at = monotonic()
        elif isinstance(error, StoreDamaged):
            self._note_damage()

    def _note_damage(self) -> ScmhostError:
        """Return the error. From now on every connection waits for a check of the file."""
        self._damaged_at, self.opened = monotonic(), _UNKNOWN
        return unusable(StoreDamaged, self._url, _DAMAGED)

    def check(self) -> None:
        """Check the file as a whole.

        Raises:
            StoreUnreachable: it is not the file that was opened.
            StoreDamaged: it is damaged.
            StoreFull: it cannot be written.
        """
        self.require_same()
        if not Path(self.path).exists():
            return
        self._check_space()
        self._check_content()
        self._check_writing()

    def _check_content(self) -> None:
        # The connections of the pool have read the first pages long ago; a new one reads them again.
        try:
            with closing(self._new_connection()) as connection:
                connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.DatabaseError as error:
            if _is_damage(error):
                raise self._note_damage() from error
            raise unusable(StoreUnreachable, self._url, str(error)) from error
        if self._damaged_at is None:
            return
        if monotonic() < self._damaged_at + _CHECK_AGAIN_SECONDS:
            raise unusable(StoreDamaged, self._url, _DAMAGED)
        self._require_sound()

    def _check_log(self) -> None:
        """Check the whole file if it is newer than its write-ahead log.

        After a crash the log is a part of the database. If a backup was copied over the file, the two do not belong
        together, and the result is damaged.
        """
        try:
            file, log = os.stat(self.path), os.stat(f"{self.path}-wal")  # noqa: PTH116
        except FileNotFoundError:
            return
        if log.st_size and file.st_ctime > log.st_mtime:
            self._require_sound()

    def _require_sound(self) -> None:
        # Others are refused while this thread reads the file.
        self._damaged_at = monotonic()
        try:
            with closing(self._new_connection()) as connection:
                (found,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
        except sqlite3.DatabaseError as error:
            found = str(error)
        if found != "ok":
            raise self._note_damage()
        self._damaged_at, self.opened = None, self._identity

    def _check_space(self) -> None:
        folder = Path(self.path).parent
        if not (os.access(self.path, os.W_OK) and os.access(folder, os.W_OK)):
            raise unusable(StoreFull, self._url, _READ_ONLY)
        if sys.platform == "win32":
            return
        disk = os.statvfs(folder)
        # The rest is reserved for the administrator.
        free = disk.f_bfree if os.geteuid() == 0 else disk.f_bavail
        if free * disk.f_frsize < _LEAST_FREE_BYTES:
            raise unusable(StoreFull, self._url, _FULL)
        if os.ST_RDONLY & disk.f_flag:
            raise unusable(StoreFull, self._url, _READ_ONLY)

    def _check_writing(self) -> None:
        """After a write that failed, write the number that is there already."""
        if self._unwritable_at is None:
            return
        if monotonic() < self._unwritable_at + _CHECK_AGAIN_SECONDS:
            raise unusable(StoreFull, self._url, _UNWRITABLE)
        try:
            with closing(self._new_connection("rw")) as connection:
                (number,) = connection.execute("PRAGMA user_version").fetchone()
                connection.execute(f"PRAGMA user_version = {number}")
        except sqlite3.DatabaseError as error:
            raise unusable(StoreFull, self._url, _UNWRITABLE) from error
        self._unwritable_at = None

    def _new_connection(self, mode: str = "ro") -> sqlite3.Connection:
        # Read-only: the last connection that may write would copy a log that does not belong to the file into it.
        return sqlite3.connect(f"{Path(self.path).as_uri()}?mode={mode}", uri=True, timeout=1.0)


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    code = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT) or code == sqlite3.SQLITE_IOERR_SHORT_READ
