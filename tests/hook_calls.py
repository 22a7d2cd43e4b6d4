"""Calls of a plugin's hooks against a fake code host, with values as the host of plugins would give them."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from inspect import iscoroutine, signature
from time import monotonic
from typing import Any, Final, Protocol

from fake_hosts.repository import BareRepository
from scmhost.sdk import Installation, Organization, Repository, RepositoryStatus
from scmhost.sdk.execution import DEADLINE

ACME: Final = Organization(id=1, slug="acme", name="Acme")
_CREATED: Final = datetime(2026, 1, 2, tzinfo=UTC)


class _Addressed(Protocol):
    @property
    def url(self) -> str: ...


class HookCalls:
    """The hooks of one plugin, called one after another. A subclass names the plugin and its provider."""

    plugin: object
    provider: str
    path_field: str
    """The field of a repository's configuration that has its full name."""

    host: _Addressed
    settings: Any
    installation: Installation

    def stored(self, repository: BareRepository, **fields: Any) -> Repository:
        """Return a repository as the host stores it after the plugin added it."""
        values = {
            "id": 5,
            "organization_id": ACME.id,
            "name": repository.full_name,
            "url": f"{self.host.url}/{repository.full_name}",
            "provider": self.provider,
            "installation_id": 3,
            "external_id": str(repository.id),
            "configuration": {self.path_field: repository.full_name},
            "status": RepositoryStatus.ACTIVE,
            "created_at": _CREATED,
        }
        return Repository.model_validate({**values, **fields})

    def candidate(self, name: str, url: str | None = None) -> Repository:
        """Return an unclaimed repository."""
        return Repository(id=5, organization_id=ACME.id, name=name, url=url, created_at=_CREATED)

    def call(self, hook: str, *, seconds: float = 10.0, **arguments: Any) -> Any:
        """Call a hook with the settings and the installation, within a time."""
        implementation: Callable[..., Any] = getattr(self.plugin, hook)
        given = {"settings": self.settings, "installation": self.installation, "organization": ACME, **arguments}
        result = implementation(**{name: given[name] for name in signature(implementation).parameters})
        return self.run(_within(result, seconds)) if iscoroutine(result) else result

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run an I/O hook on a loop that closes its connections at the end."""
        return asyncio.run(work)


async def _within(work: Coroutine[Any, Any, Any], seconds: float) -> Any:
    DEADLINE.set(monotonic() + seconds)
    return await work
