"""Apply changes of plugins.toml while the service runs, and write them to the audit log."""

from collections import deque
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

import structlog
from pydantic import JsonValue

from scmhost.audit import queries as audit_queries
from scmhost.audit.queries import Details
from scmhost.infra.errors import Unavailable
from scmhost.infra.paging import PageQuery
from scmhost.plugins import HostError, Settings
from scmhost.plugins.config.files import FileState
from scmhost.plugins.discovery import InstalledState, installed_state
from scmhost.services import Actor, Services

from .configuration import CHANGE_ACTION, add_change, change_details, change_key

log = structlog.get_logger(__name__)

FILE_ACTOR: Final = Actor("file", "file")
"""The actor of an edit by hand: the file does not contain who made it."""

MAX_PENDING: Final = 100
"""How many audit entries are kept in memory while they cannot be saved; beyond that the oldest are dropped."""

_FIRST_SEEN: Final = "seen for the first time"
_UNSEEN: Final = "unknown: the file was changed while no service was running"

ReadFile = Callable[[], Settings]
"""Reads the file and the environment; raises ConfigError."""


class ConfigurationAudit:
    """The audit entries of the changes that one process applies.

    An entry is added to a queue, and saved by a later call of ``save_pending``: a change is applied at once, whether
    the database works or not. One thread adds, one thread saves.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._pending: deque[Callable[[], None]] = deque(maxlen=MAX_PENDING)

    @property
    def pending(self) -> int:
        """The number of entries that are not saved yet."""
        return len(self._pending)

    def add_change(self, before: Settings, after: Settings, modified_ns: int) -> None:
        """Queue the entry of a change. ``modified_ns`` is the file's time, the same for all processes."""
        self._queue(partial(self._save_change, before, after, modified_ns))

    def add_difference(self, settings: Settings, modified_ns: int) -> None:
        """Queue an entry for a file that differs from the latest entry: it was written while no process ran."""
        self._queue(partial(self._save_difference, settings, modified_ns, self._services.clock.now()))

    def save_pending(self, _woken: bool = False) -> bool:  # noqa: FBT001, FBT002 - the signature of a loop's round
        """Save the queued entries. What cannot be saved stays in the queue.

        Raises:
            StoreError: the database cannot be used as it is.
        """
        while self._pending:
            save = self._pending[0]
            try:
                save()
            except Unavailable as error:
                # One line without a traceback: /readyz reports a database that is down.
                log.warning("audit postponed", error=str(error), pending=self.pending)
                return False
            # A full queue may have dropped this entry meanwhile.
            if self._pending and self._pending[0] is save:
                self._pending.popleft()
        return False

    # Changes are far apart. A hundred pending ones mean that the database has been down for very long.
    def _queue(self, save: Callable[[], None]) -> None:
        if self.pending == MAX_PENDING:
            log.error("audit entry dropped", pending=MAX_PENDING)
        self._pending.append(save)

    def _save_change(self, before: Settings, after: Settings, modified_ns: int) -> None:
        key = change_key(after, modified_ns)
        with self._services.store.read() as tx:
            # Usually another worker was faster, or the command that made the change has saved it.
            if audit_queries.has_key(tx, None, key):
                return
        # The key of the entry decides if two workers get here at once.
        details = change_details(before, after)
        with self._services.store.write() as tx:
            add_change(tx, self._services, FILE_ACTOR, (after.source.file, key), details)

    def _save_difference(self, settings: Settings, modified_ns: int, noticed: datetime) -> None:
        key, sha256 = change_key(settings, modified_ns), settings.source.sha256
        with self._services.store.read() as tx:
            last = audit_queries.page(tx, None, PageQuery(size=1), action=CHANGE_ACTION, actor_id=None).items
            before = last[0].details.get("after") if last else None
            # An entry that came meanwhile is of a change after this state of the file.
            if before == sha256 or (last and last[0].created_at > noticed):
                return
            if last and audit_queries.has_key(tx, None, key):
                # An old file was restored with its old time, so that its key is taken.
                key = f"{key}:{last[0].id}"
        changes: list[JsonValue] = [_UNSEEN if last else _FIRST_SEEN]
        details: Details = {"before": before, "after": sha256, "changes": changes}
        with self._services.store.write() as tx:
            add_change(tx, self._services, FILE_ACTOR, (settings.source.file, key), details)


class ConfigurationWatch:
    """Watches one file for one process. For one thread at a time."""

    def __init__(self, services: Services, path: Path, read: ReadFile, audit: ConfigurationAudit) -> None:
        self._plugins = services.plugins
        self._audit = audit
        self._path = path
        self._read = read
        self._handled: FileState | None = None
        self._last_content: object = services.plugins.configuration_status.sha256
        self._logged_error: str | None = None
        self._is_compared = False
        self._installed: InstalledState | None = None
        self._last_installed: InstalledState | None = None

    def check(self, requested: bool) -> bool:  # noqa: FBT001 - the signature of a loop's round
        """Read the file and apply a change. Return whether to check again soon.

        A change is applied when two checks in a row read the same content: a file that is being written may be valid
        halfway. A ``requested`` check applies it at once, and loads broken plugins again.
        """
        self._check_installed()
        state = FileState.of(self._path)
        # A service may run without a file; only the removal of a file that was in use is an error.
        absent = state is None and self._plugins.configuration_status.sha256 is None
        if absent or (state is not None and state == self._handled and not requested):
            return False
        content = self._settings_or_error()
        previous, self._last_content = self._last_content, _identity(content)
        if previous != self._last_content and not requested:
            return True
        self._handle(content, state, requested=requested)
        # Within the resolution of the file system's clock, a later write can leave the time of the file unchanged.
        self._handled = state if state and state.settled else None
        return False

    def _check_installed(self) -> None:
        """Report newly installed versions, once two checks in a row find the same: pip may be at work."""
        state = installed_state()
        if state == self._last_installed != self._installed:
            self._plugins.notice_installed()
            self._installed = state
        self._last_installed = state

    def _settings_or_error(self) -> Settings | str:
        try:
            return self._read()
        except HostError as error:
            return str(error)

    def _handle(self, content: Settings | str, state: FileState | None, *, requested: bool) -> None:
        if isinstance(content, str):
            self._refuse(content)
        elif requested or content.source.sha256 != self._plugins.configuration_status.sha256:
            self._apply(content, state, retry=requested)
        else:
            self._recover()
            # At the first check after the start only: later edits are seen, and have entries of their own.
            if state and not self._is_compared:
                self._is_compared = True
                self._audit.add_difference(content, state.modified_ns)

    def _apply(self, settings: Settings, state: FileState | None, *, retry: bool) -> None:
        before = self._plugins.settings
        try:
            status = self._plugins.reload(settings, retry=retry)
        except HostError as error:
            self._refuse(str(error))
            return
        self._logged_error = None
        log.info(
            "configuration changed",
            file=status.file,
            generation=status.generation,
            sha256=status.sha256,
            restart_for=list(status.restart_for),
        )
        if before.source.sha256 != settings.source.sha256:
            self._audit.add_change(before, settings, state.modified_ns if state else 0)

    def _refuse(self, error: str) -> None:
        self._plugins.keep_last_good(error)
        # The file is read again every half a second: the same error is logged once.
        if error != self._logged_error:
            self._logged_error = error
            generation = self._plugins.configuration_status.generation
            log.error("configuration refused", error=error, generation=generation)

    def _recover(self) -> None:
        if self._plugins.configuration_status.error is not None:
            self._plugins.keep_last_good(None)
            self._logged_error = None
            log.info("configuration valid again", generation=self._plugins.configuration_status.generation)


def _identity(content: Settings | str) -> str | None:
    """Return what two reads of the same content have in common: the digest of settings, or the error."""
    return content.source.sha256 if isinstance(content, Settings) else content
