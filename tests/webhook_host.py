"""An organization whose plugin registers webhooks at a code host in memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import factories
from plugins.webhook_forge import Forge, forge
from scmhost.admin.background import run_due_jobs
from scmhost.infra.db.engine import Store
from scmhost.installations.install import install_provider
from scmhost.installations.webhooks import list_secrets, secret_text
from scmhost.organizations import queries as organization_queries
from scmhost.repositories.claim import add_repository
from scmhost.repositories.manage import change_repository
from scmhost.repositories.webhooks import webhooks_of
from scmhost.sdk import AddRequest, Installation, Organization, Repository
from scmhost.services import Services
from use_cases import WEBHOOK_KEY, open_services

URL = "https://scmhost.example.com"


@dataclass
class WebhookHost:
    """An organization with an installation whose plugin registers webhooks."""

    services: Services
    organization: Organization
    installation: Installation
    forge: Forge

    def claim(self, name: str = "team/app", installation: Installation | None = None) -> Repository:
        owner = installation or self.installation
        request = AddRequest(identifier=name, fields={})
        return add_repository(self.services, self.organization, "webhook_forge", owner.id, request).saved

    def change(self, repository: Repository, **changes: object) -> Repository:
        return change_repository(self.services, self.organization, repository.id, changes)

    def state(self, repository: Repository) -> tuple[str, str | None] | None:
        found = webhooks_of(self.services, [repository]).get(repository.id)
        return (found.state, found.reason) if found else None

    def run(self, seconds: float = 0) -> int:
        self.services.clock.turn(seconds)  # type: ignore[attr-defined]
        return run_due_jobs(self.services)

    def secret(self) -> str:
        newest = list_secrets(self.services, self.organization, self.installation.id)[0]
        return secret_text(WEBHOOK_KEY, newest)


@contextmanager
def open_webhook_host(store: Store, *, plugin: str = "plugins.webhook_forge") -> Iterator[WebhookHost]:
    """Open an organization with an installation of the provider, and an empty code host."""
    with open_services(store, {"webhook_forge": plugin}, url=URL) as services:
        organization = new_organization(services, "acme")
        stored = install_provider(services, organization, "webhook_forge", {})
        forge.reset()
        yield WebhookHost(services, organization, stored.installation, forge)


def new_organization(services: Services, slug: str) -> Organization:
    """Create an organization."""
    with services.store.write() as tx:
        return organization_queries.create_organization(tx, slug, slug.title(), factories.NOW)
