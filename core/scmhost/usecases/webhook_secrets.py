"""Secrets by which the push deliveries to an installation are known to be genuine.

A secret is derived from the operator's key and its own id, so that a copy of the database is worth nothing to whoever
would send deliveries.
"""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from scmhost.kernel.errors import Conflict, NotFound
from scmhost.sdk import Organization
from scmhost.store import installations, webhook_secrets
from scmhost.store.values import WebhookSecret

from .audit import of_installation, record
from .install_provider import get_installation
from .services import Services

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
        if len(webhook_secrets.live(tx, organization.id, installation_id, now)) >= MOST_SECRETS:
            raise Conflict(f"An installation has at most {MOST_SECRETS} secrets; delete one that is not used any more.")
        webhook_secrets.expire(tx, organization.id, installation_id, now + ROTATION)
        secret = webhook_secrets.create(tx, organization.id, installation_id, now)
        details = {"secretId": secret.id}
        record(tx, services, organization, "webhook-secret.create", of_installation(found), details)
    return NewSecret(secret, secret_text(services.webhook_key.get_secret_value(), secret))


def list_secrets(services: Services, organization: Organization, installation_id: int) -> Sequence[WebhookSecret]:
    """The secrets of an installation that are still good, the newest first; not what they say."""
    get_installation(services, organization, installation_id)
    with services.store.read() as tx:
        return webhook_secrets.live(tx, organization.id, installation_id, services.clock.now())


def delete_secret(services: Services, organization: Organization, installation_id: int, secret_id: int) -> None:
    """Make a secret worthless, at once."""
    with services.store.write() as tx:
        if not webhook_secrets.delete_one(tx, organization.id, installation_id, secret_id):
            raise NotFound(f"Installation {installation_id} has no secret with the id {secret_id}.")
        found = installations.get(tx, organization.id, installation_id)
        target = of_installation(found) if found else (installation_id, "")
        record(tx, services, organization, "webhook-secret.delete", target, {"secretId": secret_id})


def secret_text(key: str, secret: WebhookSecret) -> str:
    """What a secret says: 43 characters that cannot be guessed without the key."""
    name = f"webhook:{secret.organization_id}:{secret.installation_id}:{secret.id}"
    return urlsafe_b64encode(hmac.digest(key.encode(), name.encode(), "sha256")).decode().rstrip("=")
