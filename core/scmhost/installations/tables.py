"""The tables of installations, pending ones, their secrets, and their webhooks' secrets and last deliveries."""

from typing import Final

from sqlalchemy import JSON, Column, Index, UniqueConstraint

from scmhost.infra.db.base import (
    Id,
    KeyText,
    LongText,
    UtcDateTime,
    child_key,
    entity_key,
    optional,
    refers_to,
    required,
    table,
)

INSTALLATIONS: Final = table(
    "installations",
    *entity_key(),
    required("provider", KeyText),
    required("name", KeyText),
    required("external_id", KeyText),
    required("metadata", JSON),
    required("configuration", JSON),
    required("created_at", UtcDateTime),
    # The version of the plugin's distribution; null where an older scmhost stored the configuration.
    optional("configuration_version", LongText),
    UniqueConstraint("organization_id", "provider", "external_id"),
    # For deliveries to the common address of a provider, which name no organization.
    Index(None, "provider", "external_id", "organization_id"),
)

INSTALLATION_SECRETS: Final = table(
    "installation_secrets",
    child_key(),
    Column("installation_id", Id, primary_key=True, autoincrement=False),
    required("encrypted", LongText),
    required("key_id", KeyText),
    required("version", Id),
    optional("expires_at", UtcDateTime),
    optional("leased_until", UtcDateTime),
    optional("problem", LongText),
    optional("problem_at", UtcDateTime),
    refers_to("installations", "installation_id"),
)
"""The encrypted secrets of an installation. While a worker renews them, ``leased_until`` is in the future.

``problem`` is the reason why the code host refuses them, since ``problem_at``.
"""

WEBHOOK_SECRETS: Final = table(
    "webhook_secrets",
    *entity_key(),
    required("installation_id", Id),
    required("created_at", UtcDateTime),
    optional("expires_at", UtcDateTime),
    refers_to("installations", "installation_id"),
    Index(None, "organization_id", "installation_id"),
)
"""A secret of an installation's webhook. Its text is derived from the id and stored nowhere."""

WEBHOOK_DELIVERIES: Final = table(
    "webhook_deliveries",
    *entity_key(),
    required("installation_id", Id),
    required("received_at", UtcDateTime),
    required("event", LongText),
    required("outcome", KeyText),
    required("detail", LongText),
    refers_to("installations", "installation_id"),
    Index(None, "organization_id", "installation_id"),
)
"""The outcome of a delivery to an installation. An installation has few of them: each one deletes older ones."""

PENDING_INSTALLATIONS: Final = table(
    "pending_installations",
    *entity_key(),
    required("provider", KeyText),
    required("digest", KeyText),
    required("callback_url", LongText),
    optional("sealed", LongText),
    required("actor_kind", KeyText),
    optional("actor_id", Id),
    required("actor_name", LongText),
    required("created_at", UtcDateTime),
    required("expires_at", UtcDateTime),
    optional("used_at", UtcDateTime),
    required("status", KeyText),
    optional("detail", LongText),
    # No foreign key: the installation may be removed while its result is still shown.
    optional("installation_id", Id),
    UniqueConstraint("organization_id", "digest"),
)
"""An installation that a person continues at the code host, and its result.

``digest`` is that of the state, whose text is stored nowhere. ``sealed`` is what the plugin saved, encrypted; it is
removed when the state is used or expires. ``used_at`` is when the browser came back.
"""
