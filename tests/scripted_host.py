"""Services with a scripted provider, to call use cases without HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from api import PLUGINS_TOML, open_api
from hosting import candidate
from plugins.scripted import Script, script
from scmhost.installations.install import install_provider
from scmhost.repositories import queries as repository_queries
from scmhost.sdk import Installation, Organization, Repository
from scmhost.services import Services

SCRIPTED = candidate("scripted", "plugins.scripted")
CONFIG = f"{PLUGINS_TOML}[plugins.scripted]\nenabled = true\ndefault = true\n"


@dataclass(frozen=True)
class ScriptedHost:
    """An organization with an installation of a provider whose hooks a test sets."""

    services: Services
    organization: Organization
    installation: Installation
    script: Script
    folder: Path

    def repository(self, repository_id: int) -> Repository | None:
        """The repository as stored."""
        with self.services.store.read() as tx:
            return repository_queries.get(tx, self.organization.id, repository_id)


@contextmanager
def open_scripted(folder: Path, config: str = CONFIG) -> Iterator[ScriptedHost]:
    """Open services on a fresh SQLite database. No background work runs."""
    with open_api(folder, config, more=[SCRIPTED], background=False) as api:
        organization = api.there.organization
        stored = install_provider(api.services, organization, "scripted", {})
        script.reset()
        yield ScriptedHost(api.services, organization, stored.installation, script, folder)
