"""Webhooks of installations: the secrets that sign push deliveries, and the last deliveries."""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from scmhost.audit.queries import record
from scmhost.infra.db import jobs
from scmhost.infra.db.engine import Transaction
from scmhost.infra.errors import Conflict, NotFound, ScmhostError, Unavailable
from scmhost.plugins import PluginFault
from scmhost.plugins.isolation.faults import safe_text
from scmhost.sdk import Installation, Organization
from scmhost.services import Services

from . import delivery_queries, queries
from .delivery_queries import Delivery, DeliveryDraft
from .install import get_installation
from .queries import WebhookSecret

ROTATION: Final = timedelta(days=1)
"""How long the older secrets stay valid after a new one: time to enter it at the code host, without lost deliveries."""

MAX_SECRETS: Final = 10

DELIVERIES: Final = "/hooks/{installation_id}/"
"""The path to which a code host sends the pushes of an installation."""

REGISTER_WEBHOOKS: Final = "register_webhooks"
"""The kind of the job that registers all webhooks of an installation again. Its key is the installation's id."""


REFUSALS_EVERY: Final = timedelta(minutes=1)
"""Of the refused deliveries to an installation, one is stored in this time: anybody can send them."""

_LONGEST_EVENT: Final = 60
_LONGEST_DETAIL: Final = 300


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


def delivery_event(headers: Mapping[str, str]) -> str:
    """Return the event of a delivery, which code hosts name in a header such as X-Gitlab-Event or X-Event-Key."""
    named = (value for name, value in headers.items() if name.lower().endswith(("-event", "-event-key")))
    return safe_text(next(named, ""), _LONGEST_EVENT)


def delivery_detail(texts: Sequence[str], secrets: Sequence[str] = ()) -> str:
    """Return sentences about a delivery as one text, without its end if it is long, and without secrets."""
    return safe_text(" ".join(texts), _LONGEST_DETAIL, secrets)


def record_failed_delivery(
    services: Services, installation: Installation, event: str, error: ScmhostError, secrets: Sequence[str]
) -> None:
    """Save that a delivery was refused or failed. Without the database there is nothing to save it in.

    Args:
        services: the services.
        installation: the installation that the delivery was sent to.
        event: the event as the code host names it.
        error: why it was not saved.
        secrets: the secrets of the webhook, which the text of a plugin could repeat.
    """
    if isinstance(error, Unavailable):
        return
    outcome: delivery_queries.DeliveryOutcome = "failed" if isinstance(error, PluginFault) else "refused"
    place, now = (installation.organization_id, installation.id), services.clock.now()
    with services.store.read() as tx:
        # The sender may be anybody, and must not cost a transaction that writes for each of its requests.
        if outcome == "refused" and delivery_queries.has_refused_since(tx, *place, now - REFUSALS_EVERY):
            return
    draft = DeliveryDraft(event, outcome, delivery_detail([str(error)], secrets))
    with services.store.write() as tx:
        delivery_queries.add(tx, *place, draft, now)


def list_deliveries(services: Services, organization: Organization, installation_id: int) -> Sequence[Delivery]:
    """Return the last deliveries to an installation, the newest first.

    Raises:
        NotFound: the organization has no such installation.
    """
    get_installation(services, organization, installation_id)
    with services.store.read() as tx:
        return delivery_queries.newest(tx, organization.id, installation_id)
