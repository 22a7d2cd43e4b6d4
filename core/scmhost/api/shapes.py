"""Objects on the wire, in the shapes that Sentry's clients read."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue, PlainSerializer
from pydantic.alias_generators import to_camel

from scmhost.sdk import Provider
from scmhost.sdk.wire import RepositoryPayload


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


Moment = Annotated[datetime, PlainSerializer(_utc, return_type=str)]
"""A time on the wire: ISO 8601, UTC, with a Z."""


class Wire(BaseModel):
    """Base of what is sent: camel case, as Sentry writes it."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, serialize_by_alias=True)


class FeatureOut(Wire):
    description: str
    feature_gate: str


class MetadataOut(BaseModel):
    """The catalogue's texts. Sentry writes ``issue_url`` and ``source_url`` with underscores."""

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
    config_organization: list[JsonValue] | None = None
    config_data: dict[str, JsonValue] | None = None
    external_id: str
    organization_id: int
    organization_integration_status: str
    grace_period_end: None = None
    idle: str | None = None


class ProjectOut(Wire):
    id: str
    slug: str
    name: str
    platform: str | None
    date_created: Moment
    team: None = None


class OfferOut(Wire):
    name: str
    identifier: str
    default_branch: str | None


class Offers(Wire):
    repos: list[OfferOut]
    searchable: bool = True


class EvidenceOut(Wire):
    """A frame's path and the file that it is of."""

    path: str
    file: str


class CodeMappingOut(Wire):
    id: str
    project_id: str
    project_slug: str
    repo_id: str
    repo_name: str
    integration_id: str | None
    provider: ProviderShort | None
    stack_root: str
    source_root: str
    default_branch: str | None
    automatically_generated: bool
    confidence: str | None = Field(description="How sure a derived mapping is: high, medium or low.")
    derived_from: list[EvidenceOut] = Field(description="What a derived mapping was derived from.")


class AuthorOut(Wire):
    name: str | None = None
    email: str | None = None


class CommitReleaseOut(Wire):
    version: str
    short_version: str
    ref: str | None = None
    url: str | None = None
    date_released: Moment | None = None
    date_created: Moment


class CommitOut(Wire):
    id: str = Field(description="The sha.")
    message: str | None
    date_created: Moment
    pull_request: None = None
    suspect_commit_type: str = ""
    repository: RepositoryPayload | dict[str, JsonValue]
    author: dict[str, str | None] = Field(description="Name and e-mail; empty when there is none.")
    issue_ids: list[str] = Field(default_factory=list, description="Issues that the message says it resolves.")
    url: str | None = Field(default=None, description="The commit's page on the code host.")
    releases: list[CommitReleaseOut] = Field(default_factory=list)


class ChangedFileOut(Wire):
    id: str = Field(description="The sha and the path.")
    org_id: int
    author: dict[str, str | None] = Field(description="Name and e-mail; empty when there is none.")
    commit_message: str | None
    filename: str
    type: str
    repo_name: str


class DeployOut(Wire):
    id: str
    environment: str
    name: str | None
    url: str | None
    date_started: Moment | None
    date_finished: Moment


class ReleaseProject(Wire):
    id: int
    slug: str
    name: str
    new_groups: int = 0
    platform: str | None = None
    platforms: list[str] = Field(default_factory=list)
    has_health_data: bool = False


class RefOut(Wire):
    repository: str
    commit: str
    previous_commit: str | None
    compare_url: str | None = Field(default=None, description="The page of what lies between the two commits.")


class ReleaseOut(Wire):
    id: int
    version: str
    short_version: str
    status: str
    version_info: None = None
    ref: str | None
    url: str | None
    owner: str | None = None
    date_released: Moment | None
    date_created: Moment
    date_started: Moment | None
    data: dict[str, JsonValue] = Field(default_factory=dict)
    new_groups: int = 0
    commit_count: int
    last_commit: CommitOut | None
    deploy_count: int = 0
    last_deploy: DeployOut | None = None
    authors: list[AuthorOut] = Field(default_factory=list)
    projects: list[ReleaseProject]
    refs: list[RefOut] = Field(description="Where the release stands in each of its repositories; links lead there.")
    first_event: None = None
    last_event: None = None
    current_project_meta: dict[str, JsonValue] = Field(default_factory=dict)
    user_agent: None = None
    adoption_stages: dict[str, JsonValue] = Field(default_factory=dict)
    notes: list[str] = Field(default_factory=list, description="What was kept otherwise than it was sent.")


class ParsedPath(Wire):
    integration_id: int
    repository_id: int
    provider: str
    stack_root: str
    source_root: str
    default_branch: str


class StacktraceLink(Wire):
    config: CodeMappingOut | None
    source_path: str | None = None
    source_url: str | None
    attempted_url: str | None = None
    integrations: list[IntegrationShort]
    error: str | None
    detail: str | None = Field(default=None, description="Why there is no link, in a sentence.")
    next_step: str | None = None
    ref: str | None = None
    ref_source: str | None = Field(default=None, description="frame, release, default_branch or newest_commit.")
    verified: bool | None = None


class LinkedFile(Wire):
    file: str
    source_url: str | None
    error: str | None = None
    attempted_url: str | None = None
    next_step: str | None = None
    ref: str | None = None
    ref_source: str | None = Field(default=None, description="frame, release, default_branch or newest_commit.")


class LinkedFiles(Wire):
    files: list[LinkedFile]


class SavedRootsOut(Wire):
    stack_root: str
    source_root: str
    status: str = Field(description="created, updated or error.")
    detail: str | None = None


class BulkMappingsOut(Wire):
    created: int
    updated: int
    errors: int
    mappings: list[SavedRootsOut]


class WebhookSecretOut(Wire):
    id: str
    date_created: Moment
    date_expires: Moment | None


class WebhookOut(Wire):
    url: str = Field(description="Where the code host sends its pushes to.")
    secrets: list[WebhookSecretOut] = Field(description="Those that are still good, newest first.")


class NewWebhookSecretOut(WebhookOut):
    secret: str = Field(description="The new secret. It is shown this once.")


class AuthOut(Wire):
    scopes: list[str]


class UserOut(Wire):
    """The token that asks, in the place where Sentry's clients expect a person."""

    id: str
    name: str
    username: str
    email: str


class IndexOut(Wire):
    version: str
    auth: AuthOut | None
    user: UserOut | None


class StatusOut(Wire):
    id: str
    name: str


class OrganizationOut(Wire):
    id: str
    slug: str
    name: str
    date_created: Moment
    status: StatusOut
    is_early_adopter: bool = False
    require2_fa: bool = Field(default=False, alias="require2FA")
    require_email_verification: bool = False
    features: list[str] = Field(default_factory=list)


class IngestedRepository(Wire):
    id: str
    name: str
    new: int
    known: int


class Ingested(Wire):
    repositories: list[IngestedRepository]
    notes: list[str]


class Missing(Wire):
    missing: list[str]


def provider_short(key: str, name: str, provider: Provider | None) -> ProviderShort:
    """A provider as it stands in other objects; one whose plugin is off keeps its key and name."""
    features = sorted(provider.features) if provider else []
    return ProviderShort(key=key, slug=key, name=name, features=list(features))


def catalogue_provider(provider: Provider, form_schema: dict[str, JsonValue]) -> CatalogueProvider:
    """A provider in the catalogue."""
    return CatalogueProvider(
        key=provider.key,
        slug=provider.key,
        name=provider.name,
        features=sorted(provider.features),
        metadata=_metadata(provider),
        form_schema=form_schema,
    )


def evidence_out(evidence: Iterable[tuple[str, str]]) -> list[EvidenceOut]:
    """What a mapping was derived from."""
    return [EvidenceOut(path=path, file=file) for path, file in evidence]


def _metadata(provider: Provider) -> MetadataOut:
    texts = provider.metadata
    return MetadataOut(
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
