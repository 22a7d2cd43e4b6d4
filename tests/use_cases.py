"""The services that use cases need, without an application and HTTP."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pydantic import SecretStr

from hosting import SettableClock, host_of
from scmhost.audit.queries import list_entries
from scmhost.infra.db.engine import Store
from scmhost.infra.paging import PageQuery
from scmhost.infra.secret_box import NO_KEYS
from scmhost.infra.settings import Limits
from scmhost.installations.credentials import InstallationCredentials
from scmhost.sdk import Organization
from scmhost.services import Services

WEBHOOK_KEY = "a-key-of-forty-characters-for-the-tests-x"


@contextmanager
def open_services(store: Store, plugins: Mapping[str, str] | None = None, **fields: Any) -> Iterator[Services]:
    """Open the services of a process: a store, plugins by name and entry point, and a clock that the test sets."""
    clock, box = SettableClock(), fields.pop("secret_box", NO_KEYS)
    with host_of(plugins or {}, credentials=InstallationCredentials(store, clock, box)) as host:
        chosen: dict[str, Any] = {"webhook_key": SecretStr(WEBHOOK_KEY), **fields}
        yield Services(store, host, clock, Limits(), secret_box=box, **chosen)


def recorded(services: Services, organization: Organization) -> list[tuple[str, str]]:
    """Return the organization's audit log, the oldest entry first: each entry's action and target."""
    entries = list_entries(services, organization, PageQuery()).items
    return [(entry.action, entry.target) for entry in reversed(entries)]
