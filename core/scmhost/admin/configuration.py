"""Edit a plugin's table in plugins.toml, with an entry in the audit log."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, JsonValue, SecretStr

from scmhost.audit import queries as audit_queries
from scmhost.audit.queries import Action, AuditDraft, Details
from scmhost.infra.db.engine import Transaction
from scmhost.organizations import queries as organization_queries
from scmhost.plugins import Settings
from scmhost.plugins.config.editing import PluginEdit, edited, exclusive_writer, replacement_file
from scmhost.plugins.isolation.faults import safe_text
from scmhost.sdk import Organization
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


def list_organizations(services: Services) -> list[Organization]:
    """Return all organizations by slug."""
    with services.store.read() as tx:
        return organization_queries.all_organizations(tx)


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
