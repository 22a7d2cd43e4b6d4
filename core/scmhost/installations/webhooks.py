"""Webhook secrets: create, list and delete the secrets that sign the push deliveries to an installation."""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from scmhost.audit.queries import record
from scmhost.infra.errors import Conflict, NotFound
from scmhost.sdk import Organization
from scmhost.services import Services

from . import queries
from .install import get_installation
from .queries import WebhookSecret

ROTATION: Final = timedelta(days=1)
"""How long the older secrets stay valid after a new one: time to enter it at the code host, without lost deliveries."""

MAX_SECRETS: Final = 10


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A new secret and its text, which is shown only once."""

    secret: WebhookSecret
    text: str


def create_secret(services: Services, organization: Organization, installation_id: int) -> NewSecret:
    """Create a secret of an installation. Its other secrets expire after a day.

    Raises:
        NotFound: the organization has no such installation.
        Conflict: webhooks are not set up here, or the installation has too many secrets.
    """
    installation = get_installation(services, organization, installation_id).installation
    if services.webhook_key is None:
        raise Conflict("Webhooks are not set up here: the operator must set host.webhook_key, or SCMHOST_WEBHOOK_KEY.")
    now = services.clock.now()
    with services.store.write() as tx:
        # Each delivery is checked against every valid secret, so their number must be small.
        if len(queries.live_secrets(tx, organization.id, installation_id, now)) >= MAX_SECRETS:
            raise Conflict(f"An installation has at most {MAX_SECRETS} secrets; delete one that is not used any more.")
        # Before the new secret is saved, which must not expire.
        queries.expire_secrets(tx, organization.id, installation_id, now + ROTATION)
        secret = queries.create_secret(tx, organization.id, installation_id, now)
        target = installation.id, installation.name
        record(tx, services, organization, "webhook-secret.create", target, {"secretId": secret.id})
    return NewSecret(secret, secret_text(services.webhook_key.get_secret_value(), secret))


def list_secrets(services: Services, organization: Organization, installation_id: int) -> Sequence[WebhookSecret]:
    """Return the valid secrets of an installation without their texts, the newest first.

    Raises:
        NotFound: the organization has no such installation.
    """
    get_installation(services, organization, installation_id)
    with services.store.read() as tx:
        return queries.live_secrets(tx, organization.id, installation_id, services.clock.now())


def delete_secret(services: Services, organization: Organization, installation_id: int, secret_id: int) -> None:
    """Delete a secret. Deliveries that it signs are refused from now on.

    Raises:
        NotFound: the installation has no such secret.
    """
    with services.store.write() as tx:
        if not queries.delete_secret(tx, organization.id, installation_id, secret_id):
            raise NotFound(f"Installation {installation_id} has no secret with the id {secret_id}.")
        # For its name in the audit log. It exists, because the deleted secret referred to it.
        stored = queries.get(tx, organization.id, installation_id)
        target = (installation_id, stored.installation.name if stored else "")
        record(tx, services, organization, "webhook-secret.delete", target, {"secretId": secret_id})


def secret_text(key: str, secret: WebhookSecret) -> str:
    """Return the text of a secret: 43 characters, derived from the key and the secret's ids.

    Because it is derived, the database never contains it: a stolen database signs no delivery.
    """
    name = f"webhook:{secret.organization_id}:{secret.installation_id}:{secret.id}"
    return urlsafe_b64encode(hmac.digest(key.encode(), name.encode(), "sha256")).decode().rstrip("=")
