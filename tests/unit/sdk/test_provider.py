"""Providers, the hooks that their features require, and the payload of a repository."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from scmhost.sdk import (
    FEATURE_HOOKS,
    HOOK_SPECS,
    Feature,
    FeatureText,
    NoFields,
    Provider,
    ProviderMetadata,
    Repository,
    RepositoryStatus,
)
from scmhost.sdk.provider import RepositoryPayload, default_payload

REPOSITORY = Repository(
    id=7,
    organization_id=1,
    name="team/app",
    url="https://git.example/team/app",
    provider="mine",
    installation_id=3,
    external_id="42",
    created_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
)
PROVIDER = {"id": "integrations:mine", "name": "Mine"}


@pytest.mark.parametrize("key", ["a", "custom_scm", "git2", "a" * 50])
def test_a_key_is_a_short_word(key: str) -> None:
    """The id in API answers is the key with the prefix that clients expect."""
    assert Provider(key=key, name="x").id == f"integrations:{key}"


@pytest.mark.parametrize("key", ["", "A", "custom-scm", "1a", "_a", "a b", "a" * 51, "a\n", "é", "integrations:git"])
def test_other_keys_are_refused(key: str) -> None:
    """A key is used in URLs, tables and configuration files."""
    with pytest.raises(ValidationError) as caught:
        Provider(key=key, name="x")
    assert caught.value.errors()[0]["loc"] == ("key",)


@pytest.mark.parametrize(("name", "valid"), [("x", True), ("x" * 100, True), ("", False), ("x" * 101, False)])
def test_a_name_has_up_to_a_hundred_characters(name: str, valid: bool) -> None:
    """The name is shown in lists."""
    if valid:
        assert Provider(key="a", name=name).name == name
    else:
        with pytest.raises(ValidationError):
            Provider(key="a", name=name)


def test_a_new_provider_needs_the_operators_consent() -> None:
    """Without other fields, a provider has no features, no form, and is off until an operator enables it."""
    provider = Provider(key="a", name="A")
    assert (provider.features, provider.requires_feature_flag) == (frozenset(), True)
    assert (provider.install_form, provider.configuration, provider.settings) == (NoFields, None, NoFields)
    assert provider.metadata == ProviderMetadata()


@pytest.mark.parametrize("field", ["install_form", "configuration", "settings"])
@pytest.mark.parametrize("model", [dict, "Form", 3, NoFields()])
def test_forms_are_classes_of_models(field: str, model: object) -> None:
    """The host validates with the class; an instance or another type is no form."""
    with pytest.raises(ValidationError) as caught:
        Provider.model_validate({"key": "a", "name": "A", field: model})
    assert caught.value.errors()[0]["loc"][0] == field


def test_a_form_may_be_any_model() -> None:
    """A form of the plugin is kept as the same class."""

    class Form(BaseModel):
        url: str

    assert Provider(key="a", name="A", install_form=Form).install_form is Form


@pytest.mark.parametrize("value", [{}, {"name": "x"}])
def test_no_fields_refuses_every_field(value: dict[str, str]) -> None:
    """A typo in settings of a plugin without settings is an error."""
    if value:
        with pytest.raises(ValidationError):
            NoFields.model_validate(value)
    else:
        assert NoFields.model_validate(value) == NoFields()


@pytest.mark.parametrize("feature", Feature)
def test_each_feature_requires_hooks(feature: Feature) -> None:
    """A feature without a hook could not work; the hooks belong to the provider's plugin."""
    assert FEATURE_HOOKS[feature]
    assert {HOOK_SPECS[hook].audience for hook in FEATURE_HOOKS[feature]} == {"provider"}


def test_features_have_stable_texts() -> None:
    """The texts are those of Sentry's catalogue."""
    assert [feature.value for feature in Feature] == ["commits", "stacktrace-link", "compare-commits", "push-webhooks"]
    assert Provider.model_validate({"key": "a", "name": "A", "features": ["commits"]}).features == {Feature.COMMITS}
    with pytest.raises(ValidationError):
        Provider.model_validate({"key": "a", "name": "A", "features": ["issues"]})


def test_the_catalogue_describes_features() -> None:
    """A description of a feature survives JSON."""
    metadata = ProviderMetadata(features=(FeatureText(description="Links.", feature=Feature.STACKTRACE_LINK),))
    assert ProviderMetadata.model_validate_json(metadata.model_dump_json()) == metadata
    assert metadata.noun == "Installation"


def payload(**changed: Any) -> dict[str, Any]:
    """Return the payload of the sample repository with other fields."""
    provider: Any = PROVIDER
    return default_payload(REPOSITORY.model_copy(update=changed), provider)


def test_a_payload_has_the_types_of_the_wire() -> None:
    """Ids are texts, the time is ISO 8601, and the model of the wire accepts the payload."""
    assert payload() == {
        "id": "7",
        "name": "team/app",
        "url": "https://git.example/team/app",
        "provider": PROVIDER,
        "status": "active",
        "dateCreated": "2026-01-02T03:04:05+00:00",
        "integrationId": "3",
        "externalSlug": "team/app",
        "externalId": "42",
        "idle": None,
        "hostState": "active",
    }
    assert RepositoryPayload.model_validate(payload()).dateCreated == REPOSITORY.created_at


def test_an_unclaimed_repository_has_a_payload_too() -> None:
    """Missing values are null, but the external id is an empty text, because clients expect text."""
    shown = payload(url=None, provider=None, installation_id=None, external_id=None)
    assert [shown[name] for name in ("url", "integrationId", "externalId")] == [None, None, ""]
    RepositoryPayload.model_validate(shown)


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (RepositoryStatus.ACTIVE, "active"),
        (RepositoryStatus.HIDDEN, "disabled"),
        (RepositoryStatus.PENDING_DELETION, "pending_deletion"),
        (RepositoryStatus.DELETION_IN_PROGRESS, "deletion_in_progress"),
    ],
)
def test_a_hidden_repository_is_shown_as_disabled(status: RepositoryStatus, text: str) -> None:
    """Sentry's clients have no status for a hidden repository."""
    assert payload(status=status)["status"] == text


def test_an_idle_repository_has_a_reason() -> None:
    """The text for an idle repository is part of the payload."""
    assert default_payload(REPOSITORY, None, "The provider is off.")["idle"] == "The provider is off."


@pytest.mark.parametrize(
    "changed", [{"id": 7}, {"url": 3}, {"provider": "mine"}, {"dateCreated": "soon"}, {"externalId": None}]
)
def test_a_plugin_must_keep_the_types(changed: dict[str, Any]) -> None:
    """A replaced value of another type would break clients that are typed."""
    with pytest.raises(ValidationError):
        RepositoryPayload.model_validate({**payload(), **changed})


def test_a_plugin_may_add_fields() -> None:
    """Added fields are kept in the answer."""
    assert RepositoryPayload.model_validate({**payload(), "stars": 5}).model_dump()["stars"] == 5
