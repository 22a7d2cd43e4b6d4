"""Change plugins.toml, and apply changes of it while the service runs."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import structlog

from scmhost.infra.db.engine import Transaction
from scmhost.organizations import queries as organization_queries
from scmhost.plugins import HostError, Settings
from scmhost.plugins.config.editing import PluginEdit, edited, exclusive_writer, replacement_file
from scmhost.plugins.config.watching import FileState
from scmhost.plugins.discovery import InstalledState, installed_state
from scmhost.sdk import Organization
from scmhost.services import Services

from .configuration_audit import SwitchboardAudit, add_change, change_key, changed_keys, described

ReadSettings = Callable[[bytes], Settings]
"""The settings of a file's content."""


@dataclass(frozen=True, slots=True)
class Edited:
    """What an edit did. Without changes the file is as it was."""

    before: Settings
    after: Settings
    changes: tuple[str, ...]


def edit_switchboard(
    path: Path, plugin: str, edit: PluginEdit, read: ReadSettings, services: Services | None
) -> Edited:
    """Change a plugin's table in the file at a path; the file is made if it is not there.

    The entry of the audit log is saved together with the change. Without services, because the database is away, the
    change is made all the same: switching something off must not wait for a database.

    Raises:
        ConfigError: the file is wrong, before or after, or cannot be written. Nothing has changed then.
    """
    with exclusive_writer(path) as target:
        old = target.read_bytes() if target.exists() else b""
        before = read(old)
        new = edited(old.decode(), str(path), plugin, edit).encode()
        after = read(new)
        changes = tuple(changed_keys(before, after))
        if changes:
            with replacement_file(target, new) as beside, _writing(services) as tx:
                if services and tx:
                    key = change_key(after, beside.stat().st_mtime_ns)
                    details = described(before, after, organization_queries.all_organizations(tx))
                    add_change(tx, services, services.actor, (str(path), key), details)
                beside.replace(target)
    return Edited(before, after, changes)


def unknown_organizations(services: Services, names: Sequence[str | int]) -> list[str]:
    """Those of the slugs and ids that no organization has."""
    with services.store.read() as tx:
        return [str(name) for name in names if organization_queries.find_organization(tx, str(name)) is None]


def everybody(services: Services) -> list[Organization]:
    """All organizations by slug."""
    with services.store.read() as tx:
        return organization_queries.all_organizations(tx)


def _writing(services: Services | None) -> AbstractContextManager[Transaction | None]:
    return services.store.write() if services else nullcontext()


log = structlog.get_logger(__name__)


Read = Callable[[], Settings]
"""Reads the file and the environment; raises ConfigError."""


class SwitchboardWatch:
    """Looks at one file for one process. For one thread at a time."""

    def __init__(self, services: Services, path: Path, read: Read) -> None:
        self._plugins = services.plugins
        self._audit = SwitchboardAudit(services)
        self._path = path
        self._read = read
        self._dealt_with: FileState | None = None
        self._seen: object = services.plugins.configuration_status.sha256
        self._told: str | None = None
        self._compared = False
        self._installed: InstalledState | None = None
        self._installed_seen: InstalledState | None = None

    def look(self, asked: bool) -> bool:  # noqa: FBT001 - the one thing that a look is told
        """Look at the file. Whether there is something new that has to be looked at again soon.

        What is new counts once it is the same in two looks: a file that is being written may be valid half way.
        Whoever asks for a look has it count at once, and broken plugins are tried again.
        """
        self._audit.catch_up()
        self._look_at_what_is_installed()
        state = FileState.of(self._path)
        absent = state is None and self._plugins.configuration_status.sha256 is None
        if absent or (state is not None and state == self._dealt_with and not asked):
            return False
        found = self._found()
        seen, self._seen = self._seen, found.source.sha256 if isinstance(found, Settings) else found
        if seen != self._seen and not asked:
            return True
        self._deal_with(found, state, asked=asked)
        self._dealt_with = state if state and state.settled else None
        return False

    def _look_at_what_is_installed(self) -> None:
        """As with the file: an installation that is under way is not looked into before it stands still."""
        state = installed_state()
        if state == self._installed_seen != self._installed:
            self._plugins.notice_installed()
            self._installed = state
        self._installed_seen = state

    def _found(self) -> Settings | str:
        """What is written now, or what is wrong with it."""
        try:
            return self._read()
        except HostError as error:
            return str(error)

    def _deal_with(self, found: Settings | str, state: FileState | None, *, asked: bool) -> None:
        if isinstance(found, str):
            self._refuse(found)
        elif asked or found.source.sha256 != self._plugins.configuration_status.sha256:
            self._take(found, state, retry=asked)
        else:
            self._recover()
            self._compare(found, state)

    def _compare(self, settings: Settings, state: FileState | None) -> None:
        """Once, at the start: whether the audit log knows of the file as it is."""
        if state and not self._compared:
            self._compared = True
            self._audit.found(settings, state.modified_ns)

    def _take(self, settings: Settings, state: FileState | None, *, retry: bool) -> None:
        before = self._plugins.settings
        try:
            board = self._plugins.reload(settings, retry=retry)
        except HostError as error:
            self._refuse(str(error))
            return
        self._told = None
        log.info(
            "switchboard changed",
            file=board.file,
            generation=board.generation,
            sha256=board.sha256,
            restart_for=list(board.restart_for),
        )
        if before.source.sha256 != settings.source.sha256:
            self._audit.changed(before, settings, state.modified_ns if state else 0)

    def _refuse(self, error: str) -> None:
        self._plugins.keep_last_good(error)
        if error != self._told:
            self._told = error
            log.error("switchboard refused", error=error, generation=self._plugins.configuration_status.generation)

    def _recover(self) -> None:
        if self._plugins.configuration_status.error is not None:
            self._plugins.keep_last_good(None)
            self._told = None
            log.info("switchboard good again", generation=self._plugins.configuration_status.generation)
