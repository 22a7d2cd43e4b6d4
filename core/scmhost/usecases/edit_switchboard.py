"""Changes plugins.toml on behalf of a command, and tells the audit log who did."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from scmhost.plugins import Settings
from scmhost.plugins.editing import PluginEdit, edited
from scmhost.plugins.writing import only_writer, written_beside
from scmhost.sdk import Organization
from scmhost.store import organizations
from scmhost.store.engine import Transaction

from .audit_switchboard import add_change, change_key, changed_keys, described
from .services import Services

Read = Callable[[bytes], Settings]
"""The settings of a file's content."""


@dataclass(frozen=True, slots=True)
class Edited:
    """What an edit did. Without changes the file is as it was."""

    before: Settings
    after: Settings
    changes: tuple[str, ...]


def edit_switchboard(path: Path, plugin: str, edit: PluginEdit, read: Read, services: Services | None) -> Edited:
    """Change a plugin's table in the file at a path; the file is made if it is not there.

    The entry of the audit log is saved together with the change. Without services, because the database is away, the
    change is made all the same: switching something off must not wait for a database.

    Raises:
        ConfigError: the file is wrong, before or after, or cannot be written. Nothing has changed then.
    """
    with only_writer(path) as target:
        old = target.read_bytes() if target.exists() else b""
        before = read(old)
        new = edited(old.decode(), str(path), plugin, edit).encode()
        after = read(new)
        changes = tuple(changed_keys(before, after))
        if changes:
            with written_beside(target, new) as beside, _writing(services) as tx:
                if services and tx:
                    key = change_key(after, beside.stat().st_mtime_ns)
                    details = described(before, after, organizations.all_(tx))
                    add_change(tx, services, services.actor, (str(path), key), details)
                beside.replace(target)
    return Edited(before, after, changes)


def unknown_organizations(services: Services, names: Sequence[str | int]) -> list[str]:
    """Those of the slugs and ids that no organization has."""
    with services.store.read() as tx:
        return [str(name) for name in names if organizations.find(tx, str(name)) is None]


def everybody(services: Services) -> list[Organization]:
    """All organizations by slug."""
    with services.store.read() as tx:
        return organizations.all_(tx)


def _writing(services: Services | None) -> AbstractContextManager[Transaction | None]:
    return services.store.write() if services else nullcontext()
