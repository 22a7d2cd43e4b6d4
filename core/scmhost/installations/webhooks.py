"""Secrets by which the push deliveries to an installation are known to be genuine."""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from scmhost.audit.record import record
from scmhost.infra.errors import Conflict, NotFound
from scmhost.sdk import Organization
from scmhost.services import Services

from . import queries
from .install import get_installation
from .queries import WebhookSecret

ROTATION: Final = timedelta(days=1)
"""How long the old secrets stay good beside a new one, so that the code host can be told without a gap."""

MOST_SECRETS: Final = 10


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A secret and its text, which is shown this once."""

    secret: WebhookSecret
    text: str


def create_secret(services: Services, organization: Organization, installation_id: int) -> NewSecret:
    """Create a secret of an installation. Its other secrets end after a day.

    Raises:
        NotFound: there is no such installation.
        Conflict: webhooks are not set up here, or the installation has too many secrets.
    """
    found = get_installation(services, organization, installation_id)
    if services.webhook_key is None:
        raise Conflict("Webhooks are not set up here: the operator must set host.webhook_key, or SCMHOST_WEBHOOK_KEY.")
    now = services.clock.now()
    with services.store.write() as tx:
        if len(queries.live_secrets(tx, organization.id, installation_id, now)) >= MOST_SECRETS:
            raise Conflict(f"An installation has at most {MOST_SECRETS} secrets; delete one that is not used any more.")
        queries.expire_secrets(tx, organization.id, installation_id, now + ROTATION)
        secret = queries.create_secret(tx, organization.id, installation_id, now)
        details = {"secretId": secret.id}
        record(
            tx,
            services,
            organization,
            "webhook-secret.create",
            (found.installation.id, found.installation.name),
            details,
        )
    return NewSecret(secret, secret_text(services.webhook_key.get_secret_value(), secret))


def list_secrets(services: Services, organization: Organization, installation_id: int) -> Sequence[WebhookSecret]:
    """The secrets of an installation that are still good, the newest first; not what they say."""
    get_installation(services, organization, installation_id)
    with services.store.read() as tx:
        return queries.live_secrets(tx, organization.id, installation_id, services.clock.now())


def delete_secret(services: Services, organization: Organization, installation_id: int, secret_id: int) -> None:
    """Make a secret worthless, at once."""
    with services.store.write() as tx:
        if not queries.delete_secret(tx, organization.id, installation_id, secret_id):
            raise NotFound(f"Installation {installation_id} has no secret with the id {secret_id}.")
        found = queries.get(tx, organization.id, installation_id)
        target = (found.installation.id, found.installation.name) if found else (installation_id, "")
        record(tx, services, organization, "webhook-secret.delete", target, {"secretId": secret_id})


def secret_text(key: str, secret: WebhookSecret) -> str:
    """What a secret says: 43 characters that cannot be guessed without the key."""
    name = f"webhook:{secret.organization_id}:{secret.installation_id}:{secret.id}"
    return urlsafe_b64encode(hmac.digest(key.encode(), name.encode(), "sha256")).decode().rstrip("=")
