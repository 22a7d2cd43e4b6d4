"""A provider, the kind of code host that a plugin offers, and its repositories in API answers."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from .values import Repository, Value

# Sentry's API has no status for a hidden repository; its clients show a disabled one in the same way.
_API_STATUS: Final[Mapping[str, str]] = {"hidden": "disabled"}


class Feature(StrEnum):
    """A feature of a provider. Each feature requires hooks; see ``FEATURE_HOOKS``."""

    COMMITS = "commits"
    STACKTRACE_LINK = "stacktrace-link"
    COMPARE_COMMITS = "compare-commits"
    PUSH_WEBHOOKS = "push-webhooks"


FEATURE_HOOKS: Final[dict[Feature, tuple[str, ...]]] = {
    Feature.COMMITS: ("scm_offer_repositories", "scm_dispatch_repository"),
    Feature.STACKTRACE_LINK: ("scm_source_url",),
    Feature.COMPARE_COMMITS: ("scm_compare_commits",),
    Feature.PUSH_WEBHOOKS: ("scm_read_push",),
}
"""The hooks that a feature requires; without them the plugin is not loaded. Every provider requires ``scm_install``."""


class FeatureText(Value):
    """The description of a feature in the catalogue of providers."""

    description: str
    feature: Feature


FEATURE_TEXTS: Final = (
    FeatureText(feature=Feature.COMMITS, description="Add repositories that the host shows; renames are followed."),
    FeatureText(feature=Feature.STACKTRACE_LINK, description="Link stack frames to files that are known to exist."),
    FeatureText(
        feature=Feature.COMPARE_COMMITS, description="Give a release its commits and changed files from its ref alone."
    ),
    FeatureText(feature=Feature.PUSH_WEBHOOKS, description="Register webhooks, and take commits when they are pushed."),
)
"""Descriptions for a provider that has all features."""


class ProviderMetadata(Value):
    """The description of a provider in the catalogue of providers."""

    description: str = ""
    features: tuple[FeatureText, ...] = ()
    author: str = ""
    noun: str = "Installation"
    issue_url: str = ""
    source_url: str = ""


class Fields(BaseModel):
    """Base class of a plugin's forms, configuration and settings: an unknown field is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NoFields(Fields):
    """The model of a form or of settings without fields. An unknown field is an error."""


class Provider(Value):
    """A kind of code host.

    Attributes:
        key: unique among all plugins, lower case; in API answers the id is ``integrations:<key>``.
        name: the displayed name.
        features: the features that it supports; each requires hooks.
        requires_feature_flag: whether an operator must enable it for each organization.
        metadata: its description in the catalogue of providers.
        install_form: the model of the form that a user fills in to install it; the host validates it.
        configuration: the model of the fields that may be changed later, or None.
        settings: the model of the operator's ``settings`` in plugins.toml.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    key: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,49}$")]
    name: Annotated[str, Field(min_length=1, max_length=100)]
    features: frozenset[Feature] = frozenset()
    # True by default, so that a new plugin stays off until an operator enables it for an organization.
    requires_feature_flag: bool = True
    metadata: ProviderMetadata = ProviderMetadata()
    install_form: type[BaseModel] = NoFields
    configuration: type[BaseModel] | None = None
    settings: type[BaseModel] = NoFields

    @property
    def id(self) -> str:
        """The provider's id in API answers, in the form that Sentry's clients expect."""
        return f"integrations:{self.key}"


class ProviderPayload(BaseModel):
    """The provider of a repository in API answers."""

    id: str
    name: str


class RepositoryPayload(BaseModel):
    """A repository in API answers. A plugin may replace values and add fields, but must keep these types."""

    model_config = ConfigDict(extra="allow")

    id: str
    name: str
    url: str | None
    provider: ProviderPayload
    status: str
    dateCreated: datetime  # noqa: N815 - the spelling of Sentry's API
    integrationId: str | None  # noqa: N815 - the spelling of Sentry's API
    externalSlug: JsonValue  # noqa: N815 - the spelling of Sentry's API
    externalId: str  # noqa: N815 - the spelling of Sentry's API
    idle: str | None = None
    hostState: str = "active"  # noqa: N815 - the spelling of Sentry's API


def default_payload(repository: Repository, provider: JsonValue, idle: str | None = None) -> dict[str, JsonValue]:
    """Return the payload of a repository that ``scm_serialize_repository`` gets.

    Args:
        repository: the repository.
        provider: an object with the provider's ``id`` and ``name``.
        idle: why the repository gets no links at present, if so.
    """
    return {
        # Sentry's API sends ids as text.
        "id": str(repository.id),
        "name": repository.name,
        "url": repository.url,
        "provider": provider,
        "status": _API_STATUS.get(repository.status.value, repository.status.value),
        "dateCreated": repository.created_at.isoformat(),
        # ``str`` would turn a missing id into the text "None", which is not null.
        "integrationId": str(repository.installation_id) if repository.installation_id is not None else None,
        # Some clients refuse any type but text here.
        "externalSlug": repository.name,
        "externalId": repository.external_id or "",
        "idle": idle,
        "hostState": repository.state,
    }
