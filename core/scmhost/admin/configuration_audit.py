"""Tells the audit log of changes to plugins.toml: what was written, and for how many organizations it switched what."""

import getpass
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import structlog
from pydantic import BaseModel, JsonValue, SecretStr

from scmhost.audit import queries as audit_queries
from scmhost.audit.queries import Action, AuditDraft, Details
from scmhost.infra.db.engine import Transaction
from scmhost.infra.errors import Unavailable
from scmhost.infra.paging import PageRequest
from scmhost.organizations import queries as organization_queries
from scmhost.plugins import Settings
from scmhost.plugins.flags.rules import counted, switched
from scmhost.sdk import Organization
from scmhost.services import Actor, Services

log = structlog.get_logger(__name__)

FILE: Final = Actor("file", "file")
"""Whoever wrote the file by hand: nothing says who that was."""

_ACTION: Final[Action] = "switchboard.change"
# Tables whose values may be secret: only the keys are told.
_SECRET: Final = frozenset({"host", "settings"})
_MOST_PENDING: Final = 100
_FIRST: Final = "seen for the first time"
_UNSEEN: Final = "not known: it was written while no service saw it"


@dataclass(frozen=True, slots=True)
class _Told:
    """A change that is to be told of. ``modified_ns`` is the file's time, the same for all who read it."""

    before: Settings
    after: Settings
    modified_ns: int


class SwitchboardAudit:
    """Tells of the changes that one process sees."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._pending: list[Callable[[], None]] = []

    def changed(self, before: Settings, after: Settings, modified_ns: int) -> None:
        """Tell of a change, now or as soon as the database is there."""
        self._tell(partial(self._tell_change, _Told(before, after, modified_ns)))

    def found(self, settings: Settings, modified_ns: int) -> None:
        """Tell of a file that is not what was noted last: it was written while no process saw it."""
        self._tell(partial(self._tell_found, settings, modified_ns))

    def catch_up(self) -> None:
        """Tell of what could not be told before."""
        while self._pending:
            try:
                self._pending[0]()
            except Unavailable as error:
                log.warning("audit postponed", error=str(error))
                return
            self._pending.pop(0)

    def _tell(self, what: Callable[[], None]) -> None:
        self._pending = [*self._pending[-_MOST_PENDING:], what]
        self.catch_up()

    def _tell_found(self, settings: Settings, modified_ns: int) -> None:
        key, sha256 = change_key(settings, modified_ns), settings.source.sha256
        with self._services.store.read() as tx:
            last = audit_queries.page(tx, None, PageRequest(size=1), action=_ACTION, actor_id=None).items
            before = last[0].details.get("after") if last else None
            if before == sha256:
                return
            if last and audit_queries.has_key(tx, None, key):
                # An old file was put back, with its time.
                key = f"{key}:{last[0].id}"
        changes: list[JsonValue] = [_UNSEEN if last else _FIRST]
        details: Details = {"before": before, "after": sha256, "changes": changes}
        with self._services.store.write() as tx:
            add_change(tx, self._services, FILE, (settings.source.file, key), details)

    def _tell_change(self, told: _Told) -> None:
        key = change_key(told.after, told.modified_ns)
        with self._services.store.read() as tx:
            if audit_queries.has_key(tx, None, key):
                return
            everybody = organization_queries.all_organizations(tx)
        details = described(told.before, told.after, everybody, self._services.plugins.unflagged)
        with self._services.store.write() as tx:
            add_change(tx, self._services, FILE, (told.after.source.file, key), details)


def add_change(
    tx: Transaction, services: Services, actor: Actor, written: tuple[str, str], details: Mapping[str, JsonValue]
) -> None:
    """Save an entry of a change, by the file and the change's key."""
    file, key = written
    audit_queries.add(tx, None, AuditDraft(actor, _ACTION, file, None, dict(details), key), services.clock.now())


def change_key(settings: Settings, modified_ns: int) -> str:
    """What tells one change from another: the same content may be written again later."""
    return f"{settings.source.sha256}:{modified_ns}"


def described(
    before: Settings, after: Settings, everybody: Sequence[Organization], unflagged: frozenset[str] = frozenset()
) -> Details:
    """What changed: the file's bytes, keys, and how many organizations were switched on and off by it."""
    counts = counted(switched(before, after, everybody, unflagged))
    numbers: dict[str, JsonValue] = {name: {"on": count.on, "off": count.off} for name, count in counts.items()}
    return {
        "before": before.source.sha256,
        "after": after.source.sha256,
        "changes": list(changed_keys(before, after)),
        "switched": numbers,
    }


def changed_keys(before: Settings, after: Settings) -> Iterator[str]:
    """Each key that differs, with both values; of those that may be secret the name alone.

    Of a table that is new or gone, the defaults are left out: nobody wrote them.
    """
    old, new = (dict(_flat((), each.model_dump(include=_INCLUDED))) for each in (before, after))
    written = {path for each in (before, after) for path, _ in _flat((), each.model_dump(exclude_unset=True))}
    for path in sorted({*old, *new}):
        if old.get(path) != new.get(path) and (path in written or (path in old and path in new)):
            secret = _SECRET & set(path)
            yield ".".join(path) + ("" if secret else f": {_shown(old.get(path))} -> {_shown(new.get(path))}")


_INCLUDED: Final = {"host", "limits", "plugins", "flags_provider"}


def _flat(path: tuple[str, ...], value: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, BaseModel):
        value = value.model_dump()
    # An empty table says nothing, unless it is a value of somebody's settings.
    if isinstance(value, dict) and (value or not _SECRET & set(path)):
        for name, inner in value.items():
            yield from _flat((*path, str(name)), inner)
    else:
        yield path, value.get_secret_value() if isinstance(value, SecretStr) else value


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(str, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    return "nothing" if value is None else str(value)


def operating_user() -> Actor:
    """Who runs this process, as the operating system has it."""
    try:
        return Actor("user", getpass.getuser())
    except (OSError, KeyError):
        # A container may run under a number that has no name.
        return Actor("user", "unknown")
