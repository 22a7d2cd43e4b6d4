"""The tables of installations, pending ones, their secrets, and their webhooks' secrets and last deliveries."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from scmhost.infra.db.base import Base, ChildMixin, EntityMixin, KeyText, refers_to, table_of


class InstallationRow(EntityMixin, Base):
    __tablename__ = "installations"
    __table_args__ = (
        UniqueConstraint("organization_id", "provider", "external_id"),
        # For deliveries to the common address of a provider, which name no organization.
        Index(None, "provider", "external_id", "organization_id"),
    )

    provider: Mapped[str] = mapped_column(KeyText)
    name: Mapped[str] = mapped_column(KeyText)
    external_id: Mapped[str] = mapped_column(KeyText)
    # SQLAlchemy reserves the attribute "metadata" of a declarative class.
    metadata_: Mapped[dict[str, Any]] = mapped_column("metadata")
    configuration: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    # The version of the plugin's distribution; null where an older scmhost stored the configuration.
    configuration_version: Mapped[str | None]


class InstallationSecretsRow(ChildMixin, Base):
    """The encrypted secrets of an installation. While a worker renews them, ``leased_until`` is in the future.

    ``problem`` is the reason why the code host refuses them, since ``problem_at``.
    """

    __tablename__ = "installation_secrets"
    __table_args__ = (refers_to("installations", "installation_id"),)

    installation_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    encrypted: Mapped[str]
    key_id: Mapped[str] = mapped_column(KeyText)
    version: Mapped[int]
    expires_at: Mapped[datetime | None]
    leased_until: Mapped[datetime | None]
    problem: Mapped[str | None]
    problem_at: Mapped[datetime | None]


class WebhookSecretRow(EntityMixin, Base):
    """A secret of an installation's webhook. Its text is derived from the id and stored nowhere."""

    __tablename__ = "webhook_secrets"
    __table_args__ = (
        refers_to("installations", "installation_id"),
        Index(None, "organization_id", "installation_id"),
    )

    installation_id: Mapped[int]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]


class WebhookDeliveryRow(EntityMixin, Base):
    """The outcome of a delivery to an installation. An installation has few of them: each one deletes older ones."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        refers_to("installations", "installation_id"),
        Index(None, "organization_id", "installation_id"),
    )

    installation_id: Mapped[int]
    received_at: Mapped[datetime]
    event: Mapped[str]
    outcome: Mapped[str] = mapped_column(KeyText)
    detail: Mapped[str]


class PendingInstallationRow(EntityMixin, Base):
    """An installation that a person continues at the code host, and its result.

    ``digest`` is that of the state, whose text is stored nowhere. ``sealed`` is what the plugin saved, encrypted; it is
    removed when the state is used or expires. ``used_at`` is when the browser came back.
    """

    __tablename__ = "pending_installations"
    __table_args__ = (UniqueConstraint("organization_id", "digest"),)

    provider: Mapped[str] = mapped_column(KeyText)
    digest: Mapped[str] = mapped_column(KeyText)
    callback_url: Mapped[str]
    sealed: Mapped[str | None]
    actor_kind: Mapped[str] = mapped_column(KeyText)
    actor_id: Mapped[int | None]
    actor_name: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    status: Mapped[str] = mapped_column(KeyText)
    detail: Mapped[str | None]
    # No foreign key: the installation may be removed while its result is still shown.
    installation_id: Mapped[int | None]


INSTALLATIONS: Final = table_of(InstallationRow)
PENDING_INSTALLATIONS: Final = table_of(PendingInstallationRow)
INSTALLATION_SECRETS: Final = table_of(InstallationSecretsRow)
WEBHOOK_SECRETS: Final = table_of(WebhookSecretRow)
WEBHOOK_DELIVERIES: Final = table_of(WebhookDeliveryRow)
