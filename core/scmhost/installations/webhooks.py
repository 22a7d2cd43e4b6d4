"""Webhook secrets: create, list and delete the secrets that sign the push deliveries to an installation."""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from scmhost.audit.queries import record
from scmhost.infra.db import jobs
from scmhost.infra.db.engine import Transaction
from scmhost.infra.errors import Conflict, NotFound
from scmhost.sdk import Installation, Organization
from scmhost.services import Services

from . import queries
from .install import get_installation
from .queries import WebhookSecret

ROTATION: Final = timedelta(days=1)
"""How long the older secrets stay valid after a new one: time to enter it at the code host, without lost deliveries."""

MAX_SECRETS: Final = 10

REGISTER_WEBHOOKS: Final = "register_webhooks"
"""The kind of the job that registers all webhooks of an installation again. Its key is the installation's id."""


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
    key = _key(services)
    with services.store.write() as tx:
        secret = _create(tx, services, organization, installation)
        _register_again(tx, services, installation)
    return NewSecret(secret, secret_text(key, secret))


def current_secret(services: Services, organization: Organization, installation: Installation) -> str:
    """Return the text of the newest secret that does not expire; it is created if there is none.

    Raises:
        NotFound: the organization has no such installation any more.
        Conflict: webhooks are not set up here, or the installation has too many secrets.
    """
    key = _key(services)
    with services.store.write() as tx:
        # One of two workers waits here: a second secret would let the first one expire.
        if not queries.lock(tx, organization.id, installation.id):
            raise NotFound(f"Organization {organization.slug!r} has no installation with the id {installation.id}.")
        live = queries.live_secrets(tx, organization.id, installation.id, services.clock.now())
        lasting = next((secret for secret in live if secret.expires_at is None), None)
        return secret_text(key, lasting or _create(tx, services, organization, installation))


def _key(services: Services) -> str:
    if services.webhook_key is None:
        raise Conflict("Webhooks are not set up here: the operator must set host.webhook_key, or SCMHOST_WEBHOOK_KEY.")
    return services.webhook_key.get_secret_value()


def _create(
    tx: Transaction, services: Services, organization: Organization, installation: Installation
) -> WebhookSecret:
    now = services.clock.now()
    # Each delivery is checked against every valid secret, so their number must be small.
    if len(queries.live_secrets(tx, organization.id, installation.id, now)) >= MAX_SECRETS:
        raise Conflict(f"An installation has at most {MAX_SECRETS} secrets; delete one that is not used any more.")
    # Before the new secret is saved, which must not expire.
    queries.expire_secrets(tx, organization.id, installation.id, now + ROTATION)
    secret = queries.create_secret(tx, organization.id, installation.id, now)
    target = installation.id, installation.name
    record(tx, services, organization, "webhook-secret.create", target, {"secretId": secret.id})
    return secret


def _register_again(tx: Transaction, services: Services, installation: Installation) -> None:
    """Schedule that the code host gets the current secret, if the plugin can register webhooks."""
    if services.plugins.has_hook(installation.provider, "scm_register_webhook"):
        key = str(installation.id)
        jobs.put(tx, installation.organization_id, REGISTER_WEBHOOKS, key, {}, services.clock.now())


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
        if stored:
            _register_again(tx, services, stored.installation)


def secret_text(key: str, secret: WebhookSecret) -> str:
    """Return the text of a secret: 43 characters, derived from the key and the secret's ids.

    Because it is derived, the database never contains it: a stolen database signs no delivery.
    """
    name = f"webhook:{secret.organization_id}:{secret.installation_id}:{secret.id}"
    return urlsafe_b64encode(hmac.digest(key.encode(), name.encode(), "sha256")).decode().rstrip("=")
