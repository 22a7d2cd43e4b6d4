"""Wire shapes of providers, installations and webhook secrets."""

from typing import Any

from pydantic import BaseModel, Field, JsonValue

from scmhost.infra.http import Moment, Wire
from scmhost.sdk import Organization, Provider
from scmhost.services import Services

from .delivery_queries import DeliveryOutcome
from .pending_queries import PendingStatus
from .queries import StoredInstallation


# Fields that are always the same have no meaning here, but Sentry's clients read them.
class FeatureOut(Wire):
    description: str
    feature_gate: str


class MetadataOut(BaseModel):
    """The texts of a provider in the catalogue. Sentry writes ``issue_url`` and ``source_url`` with underscores."""

    description: str
    features: list[FeatureOut]
    author: str
    noun: str
    issue_url: str
    source_url: str
    aspects: dict[str, JsonValue] = Field(default_factory=dict)


class CatalogueProvider(Wire):
    key: str
    slug: str
    name: str
    metadata: MetadataOut
    can_add: bool = True
    can_disable: bool = False
    features: list[str]
    form_schema: dict[str, JsonValue] = Field(alias="formSchema", description="The install form, as JSON Schema.")


class Catalogue(Wire):
    providers: list[CatalogueProvider]


class ProviderShort(Wire):
    key: str
    slug: str
    name: str
    can_add: bool = True
    can_disable: bool = False
    features: list[str] = Field(default_factory=list)
    aspects: dict[str, JsonValue] = Field(default_factory=dict)


class IntegrationShort(Wire):
    id: str
    name: str
    icon: str | None = None
    domain_name: str | None = None
    account_type: str | None = None
    scopes: list[str] | None = None
    status: str
    provider: ProviderShort


class OrganizationIntegration(IntegrationShort):
    config_organization: list[JsonValue] | None = Field(
        default=None,
        description="What can be configured, as JSON Schema: one object, or none if there is nothing to configure.",
    )
    config_data: dict[str, JsonValue] | None = Field(
        default=None, description="The values of these fields, without secrets."
    )
    external_id: str
    organization_id: int
    organization_integration_status: str
    grace_period_end: None = None
    out_of_date: bool = False
    idle: str | None = None
    needs_attention: str | None = Field(
        default=None, description="Why the installation, or a part of it, does not work until a person acts."
    )


class RemovedInstallation(Wire):
    """An installation was deleted, and something is left at its code host."""

    notes: list[str] = Field(description="What a person has to clean up at the code host.")


class BegunInstallationOut(Wire):
    id: str = Field(description="The pending installation, whose status can be requested.")
    provider: str
    redirect: str = Field(description="The address at which a person continues, in a browser.")
    expires_at: Moment


class PendingInstallationOut(Wire):
    id: str
    provider: str
    status: PendingStatus
    detail: str | None = Field(description="Why there is no installation.")
    integration_id: str | None = Field(description="The installation, once it is made.")
    expires_at: Moment


class OfferOut(Wire):
    name: str
    identifier: str
    default_branch: str | None


class Offers(Wire):
    repos: list[OfferOut]
    searchable: bool = True
    next_cursor: str | None = Field(
        default=None, description="The cursor of the next page; null on the last one. A page may be empty."
    )
    notes: list[str] = Field(default_factory=list, description="What was left out.")


class WebhookSecretOut(Wire):
    id: str
    date_created: Moment
    date_expires: Moment | None


class WebhookOut(Wire):
    url: str = Field(description="The URL to which the code host sends its pushes.")
    secrets: list[WebhookSecretOut] = Field(description="The valid secrets, the newest first.")


class NewWebhookSecretOut(WebhookOut):
    secret: str = Field(description="The new secret. It is shown only once.")


class DeliveryOut(Wire):
    """The outcome of a delivery to an installation."""

    id: str
    date_received: Moment
    event: str = Field(description="The event as the code host names it; empty if it does not.")
    outcome: DeliveryOutcome = Field(description="Whether commits were new; else why nothing has changed.")
    detail: str = Field(description="What the delivery has changed, or why it has changed nothing.")


def provider_short(key: str, name: str, provider: Provider | None) -> ProviderShort:
    """Return a provider as part of another object. One whose plugin is off has a key and a name, but no features."""
    features = sorted(provider.features) if provider else []
    return ProviderShort(key=key, slug=key, name=name, features=list(features))


def catalogue_provider(provider: Provider, form_schema: dict[str, JsonValue]) -> CatalogueProvider:
    """Return a provider of the catalogue."""
    texts = provider.metadata
    metadata = MetadataOut(
        description=texts.description,
        features=[
            FeatureOut(description=text.description, feature_gate=f"integrations-{text.feature.value}")
            for text in texts.features
        ],
        author=texts.author,
        noun=texts.noun,
        issue_url=texts.issue_url,
        source_url=texts.source_url,
    )
    return CatalogueProvider(
        key=provider.key,
        slug=provider.key,
        name=provider.name,
        features=sorted(provider.features),
        metadata=metadata,
        form_schema=form_schema,
    )


def short_installation(services: Services, organization: Organization, stored: StoredInstallation) -> IntegrationShort:
    """Return an installation as part of another object."""
    fields = short_fields(services, stored)
    idle = services.plugins.idle_reason(stored.installation.provider, organization)
    return IntegrationShort(**fields, status="disabled" if idle else "active")


def short_fields(services: Services, stored: StoredInstallation) -> dict[str, Any]:
    installation = stored.installation
    key = installation.provider
    domain: JsonValue = installation.metadata.get("domain_name")
    return {
        "id": str(installation.id),
        "name": installation.name,
        # Plugins may put any JSON into the metadata.
        "domain_name": domain if isinstance(domain, str) else None,
        "provider": provider_short(key, services.plugins.provider_name(key), services.plugins.provider(key)),
    }
