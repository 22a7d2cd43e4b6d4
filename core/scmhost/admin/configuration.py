"""Changes of plugins.toml: edited by a command, or applied while the service runs, with entries in the audit log."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import structlog
from pydantic import BaseModel, JsonValue, SecretStr

from scmhost.audit import queries as audit_queries
from scmhost.audit.queries import Action, AuditDraft, Details
from scmhost.infra.db.engine import Transaction
from scmhost.infra.errors import Unavailable
from scmhost.infra.paging import PageQuery
from scmhost.organizations import queries as organization_queries
from scmhost.plugins import HostError, Settings
from scmhost.plugins.config.editing import PluginEdit, edited, exclusive_writer, replacement_file
from scmhost.plugins.config.files import FileState
from scmhost.plugins.discovery import InstalledState, installed_state
from scmhost.plugins.isolation.faults import safe_text
from scmhost.services import Actor, Services

CHANGE_ACTION: Final[Action] = "configuration.change"

ReadSettings = Callable[[bytes], Settings]
"""Parses the content of the file; raises ConfigError."""

_TABLES: Final = {"host", "limits", "plugins", "flags_provider"}
# Values in these tables may be secret, so that only their keys are shown.
_SECRET_TABLES: Final = frozenset({"host", "settings"})


@dataclass(frozen=True, slots=True)
class ConfigurationEdit:
    """The result of an edit. Without ``changes`` the file was not written."""

    before: Settings
    after: Settings
    changes: tuple[str, ...]


def edit_configuration(
    path: Path, plugin: str, edit: PluginEdit, read: ReadSettings, services: Services | None
) -> ConfigurationEdit:
    """Change a plugin's table in a file, which is created if it does not exist.

    The audit entry and the file are written together: if one fails, so does the other. Without ``services``, because
    the database is down, the file is written without an entry: an emergency must not wait for a database.

    Raises:
        ConfigError: the file is invalid, before or after the edit, or cannot be written. Nothing has changed.
    """
    with exclusive_writer(path) as target:
        old = target.read_bytes() if target.exists() else b""
        before = read(old)
        # Edited as text, because writing parsed TOML again would lose the operator's comments and order.
        new = edited(old.decode(), str(path), plugin, edit).encode()
        after = read(new)
        # Before the transaction: while it is open, no other process can write to the database.
        details = change_details(before, after)
        changes = tuple(changed_keys(before, after))
        if changes:
            with replacement_file(target, new) as replacement, _write_transaction(services) as tx:
                if services and tx:
                    key = change_key(after, replacement.stat().st_mtime_ns)
                    add_change(tx, services, services.actor, (str(path), key), details)
                # Inside of the transaction: if the file cannot be replaced, the entry is rolled back.
                replacement.replace(target)
    return ConfigurationEdit(before, after, changes)


def unknown_organizations(services: Services, names: Sequence[str | int]) -> list[str]:
    """Return those of the slugs and ids that no organization has."""
    with services.store.read() as tx:
        return [str(name) for name in names if organization_queries.find_organization(tx, str(name)) is None]


def add_change(
    tx: Transaction, services: Services, actor: Actor, change: tuple[str, str], details: Mapping[str, JsonValue]
) -> None:
    """Save the audit entry of a change, which is the file's path and the change's key."""
    file, key = change
    # A path may contain bytes that are no text.
    draft = AuditDraft(actor, CHANGE_ACTION, safe_text(file), None, dict(details), key)
    audit_queries.add(tx, None, draft, services.clock.now())


def change_key(settings: Settings, modified_ns: int) -> str:
    """Return the key that all processes give to a change; the file's time is part of it.

    With the digest alone, a change that is undone and made again would be saved once.
    """
    return f"{settings.source.sha256}:{modified_ns}"


def change_details(before: Settings, after: Settings) -> Details:
    """Return the details of an audit entry: the digests of both files, and the changed keys with their values."""
    # TOML may contain control characters as escapes, which databases reject.
    changes: list[JsonValue] = [safe_text(change) for change in changed_keys(before, after)]
    return {"before": before.source.sha256, "after": after.source.sha256, "changes": changes}


def changed_keys(before: Settings, after: Settings) -> Iterator[str]:
    """Yield each key that differs, with both values, or without them if they may be secret.

    Of a table that is new or was removed, keys that are not written in it are left out.
    """
    old, new = (dict(_values((), each.model_dump(include=_TABLES))) for each in (before, after))
    # The defaults of a new table are not changes that somebody made.
    written = {path for each in (before, after) for path, _ in _values((), each.model_dump(exclude_unset=True))}
    for path in sorted({*old, *new}):
        if old.get(path) != new.get(path) and (path in written or (path in old and path in new)):
            secret = _SECRET_TABLES & set(path)
            yield ".".join(path) + ("" if secret else f": {_shown(old.get(path))} -> {_shown(new.get(path))}")


def _values(path: tuple[str, ...], value: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the innermost values of nested tables with their keys."""
    if isinstance(value, BaseModel):
        value = value.model_dump()
    # An empty table has no values, unless it is itself the value of a plugin's setting.
    if isinstance(value, dict) and (value or not _SECRET_TABLES & set(path)):
        for name, inner in value.items():
            yield from _values((*path, str(name)), inner)
    else:
        yield path, value.get_secret_value() if isinstance(value, SecretStr) else value


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(str, value))}]"
    # As TOML spells it.
    if isinstance(value, bool):
        return str(value).lower()
    return "nothing" if value is None else str(value)


def _write_transaction(services: Services | None) -> AbstractContextManager[Transaction | None]:
    return services.store.write() if services else nullcontext()


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
