"""A provider: the kind of code host that a plugin offers, with what it promises."""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from .values import Value


class Feature(StrEnum):
    """What a provider promises. Each promise needs hooks; see ``FEATURE_HOOKS``."""

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
"""The hooks without which a promise is refused at admission. ``scm_install`` is needed by every provider."""


class FeatureText(Value):
    """What the catalogue says about one feature."""

    description: str
    feature: Feature


class ProviderMetadata(Value):
    """What the catalogue shows about a provider."""

    description: str = ""
    features: tuple[FeatureText, ...] = ()
    author: str = ""
    noun: str = "Installation"
    issue_url: str = ""
    source_url: str = ""


class NoFields(BaseModel):
    """The model of a form or of settings that ask for nothing. An unknown field is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Provider(Value):
    """A kind of code host.

    Attributes:
        key: unique among all plugins, lower case; on the wire the id is ``integrations:<key>``.
        name: what people read.
        features: what the provider can do; each needs its hooks.
        requires_feature_flag: whether an operator must switch it on per organization.
        install_form: the fields that a person fills in to install it; the host validates them.
        configuration: the fields that may be changed on an installation later, or None for none.
        settings: what the operator may write under ``settings`` in plugins.toml.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    key: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,49}$")]
    name: Annotated[str, Field(min_length=1, max_length=100)]
    features: frozenset[Feature] = frozenset()
    requires_feature_flag: bool = True
    metadata: ProviderMetadata = ProviderMetadata()
    install_form: type[BaseModel] = NoFields
    configuration: type[BaseModel] | None = None
    settings: type[BaseModel] = NoFields

    @property
    def id(self) -> str:
        """The provider's id on the wire, in the form that Sentry's clients know."""
        return f"integrations:{self.key}"
