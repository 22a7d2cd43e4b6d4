"""Install a provider, configure and list installations, and the refusals of plugins."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from sqlalchemy import text

from hosting import START
from scmhost.audit.queries import list_entries
from scmhost.infra.db.engine import Store
from scmhost.infra.errors import Conflict, InvalidInput, NotFound, ProviderRefused
from scmhost.infra.paging import PageQuery
from scmhost.installations.install import (
    InvalidForm,
    catalogue,
    configure_installation,
    get_installation,
    install_provider,
    list_installations,
)
from scmhost.installations.queries import StoredInstallation
from scmhost.organizations.create import create_organization
from scmhost.plugins import PluginFault, ProviderOff
from scmhost.plugins.calls import refusals
from scmhost.sdk import Organization, ProviderError, ProviderForbidden, ProviderUnavailable
from scmhost.services import Services
from use_cases import open_services, recorded

FORGE = "scripted_forge"
PLUGINS = {FORGE: "plugins.scripted_forge", "moody": "plugins.moody"}


@pytest.fixture
def services(sqlite_store: Store) -> Iterator[Services]:
    with open_services(sqlite_store, PLUGINS) as opened:
        yield opened


@pytest.fixture
def acme(services: Services) -> Organization:
    return create_organization(services, "acme")


def install(services: Services, acme: Organization, name: str = "team", **form: str) -> StoredInstallation:
    """An installation of Scripted Forge."""
    return install_provider(services, acme, FORGE, {"name": name, **form})


def test_installation_is_saved(services: Services, acme: Organization) -> None:
    """The plugin gets form and organization; what it returns is saved and recorded."""
    stored = install(services, acme)
    installation = stored.installation
    assert (installation.organization_id, installation.provider, installation.external_id) == (acme.id, FORGE, "team")
    assert (installation.metadata, stored.created_at) == ({"organization": "acme"}, START)
    assert get_installation(services, acme, installation.id) == stored
    assert recorded(services, acme)[1:] == [("integration.add", "team")]


def test_installation_exists_once(services: Services, acme: Organization) -> None:
    """A second installation with the same external id is a conflict, but another organization may have it."""
    install(services, acme)
    with pytest.raises(Conflict, match="exists already"):
        install(services, acme)
    assert install(services, create_organization(services, "rival")).installation.name == "team"
    assert recorded(services, acme)[1:] == [("integration.add", "team")]


@pytest.mark.parametrize(
    ("form", "problems"),
    [
        ({}, {"name": ["This field is required."]}),
        ({"name": 5}, {"name": ["Input should be a valid string"]}),
        ({"name": "x", "more": 1}, {"more": ["Extra inputs are not permitted"]}),
    ],
)
def test_bad_form_is_refused(
    services: Services, acme: Organization, form: Mapping[str, object], problems: Mapping[str, list[str]]
) -> None:
    """Each wrong field has its problems, in the words of Sentry's clients where they know them."""
    with pytest.raises(InvalidForm) as refusal:
        install_provider(services, acme, FORGE, dict(form))  # type: ignore[arg-type]
    assert refusal.value.problems == problems
    assert list_installations(services, acme, PageQuery()).items == []


@pytest.mark.parametrize(
    ("answer", "reason", "message"),
    [
        ("refuse", "invalid", "no such team"),
        ("refuse without text", "invalid", "without saying why"),
        ("forbid", "forbidden", "may not read this team"),
        ("unavailable", "unavailable", "the forge is down"),
    ],
)
def test_plugin_refuses(services: Services, acme: Organization, answer: str, reason: str, message: str) -> None:
    """A refusal has a reason by the plugin's error, and the plugin's text; nothing is saved."""
    with pytest.raises(ProviderRefused, match=message) as refusal:
        install(services, acme, answer=answer)
    assert refusal.value.reason == reason
    assert recorded(services, acme) == [("org.create", "acme")]


@pytest.mark.parametrize(
    "answer", ["fail", "surrogate in metadata", "surrogate in a key", "NaN in metadata", "NUL in name"]
)
def test_faulty_plugin_is_named(services: Services, acme: Organization, answer: str) -> None:
    """An exception, or an installation that cannot be stored, is the plugin's fault, and nothing is saved."""
    with pytest.raises(PluginFault, match=r"'scripted_forge' \(acme-scripted_forge\), scm_install"):
        install(services, acme, answer=answer)
    assert list_installations(services, acme, PageQuery()).items == []
    assert recorded(services, acme) == [("org.create", "acme")]


def test_old_row_with_bad_text_is_listed(services: Services, acme: Organization) -> None:
    """A lone surrogate that an older version has stored is shown as a replacement character."""
    first, second = install(services, acme, "a"), install(services, acme, "b")
    with services.store.write() as tx:
        bad = r'{"domain_name": "forge\ud800.example", "emoji": "\ud83d\ude00", "\udfff": ["\udead"]}'
        tx.execute(
            text("UPDATE installations SET metadata = :bad, configuration = :bad WHERE id = :id"),
            {"bad": bad, "id": first.installation.id},
        )
    shown, unchanged = list_installations(services, acme, PageQuery()).items
    good = {"domain_name": "forge\ufffd.example", "emoji": "\U0001f600", "\ufffd": ["\ufffd"]}
    assert shown.installation.metadata == shown.installation.configuration == good
    assert unchanged == second


def test_provider_that_is_off_cannot_be_installed(services: Services, acme: Organization) -> None:
    """An unknown provider, and one that needs a switch for the organization, are off."""
    for provider in ("unknown", "", "\ud800"):
        with pytest.raises(ProviderOff):
            install_provider(services, acme, provider, {})
        assert services.plugins.idle_reason(provider, acme) is not None
    assert services.plugins.idle_reason(FORGE, acme) is None
    assert services.plugins.idle_reason(None, acme) is None
    assert services.plugins.calls_for(FORGE, acme).provider.key == FORGE


def test_providers_of_loaded_and_configured_plugins_are_known(services: Services) -> None:
    """A provider of a loaded plugin and a configured plugin are known."""
    assert [services.plugins.is_known(key) for key in (FORGE, "moody", "unknown")] == [True, True, False]


def test_catalogue_has_forms(services: Services, acme: Organization) -> None:
    """Each provider comes with the JSON Schema of its form, by key; its texts can be encoded."""
    forms: dict[str, Any] = {provider.key: form["properties"] for provider, form in catalogue(services, acme)}
    assert {key: sorted(form) for key, form in forms.items()} == {"moody": [], FORGE: ["answer", "name"]}
    assert forms[FORGE]["name"]["description"] == "the team\ufffd"


def test_configuration_is_replaced(services: Services, acme: Organization) -> None:
    """Fields that are not sent are removed; the audit log has the names of the changed fields, not their values."""
    installation_id = install(services, acme).installation.id
    configure_installation(services, acme, installation_id, {"branch": "main", "extra": {"a": 1}})
    configure_installation(services, acme, installation_id, {"branch": "main", "extra": {"a": 1}})
    stored = configure_installation(services, acme, installation_id, {"branch": "secret"})
    assert stored.installation.configuration == {"branch": "secret"}
    entries = audit_details(services, acme)
    assert entries == [{"fields": ["branch", "extra"]}, {"fields": ["branch", "extra"]}]


def audit_details(services: Services, acme: Organization) -> list[object]:
    """The details of the recorded changes of installations, the oldest first."""
    entries = list_entries(services, acme, PageQuery(), action="integration.edit").items
    return [entry.details for entry in reversed(entries)]


def test_bad_configuration_is_refused(services: Services, acme: Organization) -> None:
    """Unknown fields, and text that cannot be stored, are refused; the configuration stays."""
    installation_id = install(services, acme).installation.id
    configure_installation(services, acme, installation_id, {"branch": "main"})
    with pytest.raises(InvalidForm, match="more: Extra inputs"):
        configure_installation(services, acme, installation_id, {"more": 1})
    with pytest.raises(InvalidInput, match="surrogate"):
        configure_installation(services, acme, installation_id, {"extra": "\ud800"})
    assert get_installation(services, acme, installation_id).installation.configuration == {"branch": "main"}


def test_provider_without_configuration_refuses_changes(services: Services, acme: Organization) -> None:
    """A provider whose installations have no configuration refuses every change."""
    installation = install_provider(services, acme, "moody", {}).installation
    with pytest.raises(InvalidInput, match="nothing to configure"):
        configure_installation(services, acme, installation.id, {})


def test_installation_of_another_organization_is_not_found(services: Services, acme: Organization) -> None:
    """Another organization's installation is as unknown as one that does not exist."""
    rival = create_organization(services, "rival")
    installation_id = install(services, acme).installation.id
    for unknown in (installation_id, 2**52, -1):
        with pytest.raises(NotFound, match=f"'rival' has no installation with the id {unknown}"):
            get_installation(services, rival, unknown)
        with pytest.raises(NotFound):
            configure_installation(services, rival, unknown, {})


def test_lists_are_filtered_before_paging(services: Services, acme: Organization) -> None:
    """Provider and features narrow the list, so that a page is full; a feature matches in any case."""
    install_provider(services, acme, "moody", {})
    for name in ("b", "a"):
        install(services, acme, name)

    def names(provider: str | None = None, *features: str, size: int = 100) -> list[str]:
        request = PageQuery(size=size)
        page = list_installations(services, acme, request, provider_key=provider, features=frozenset(features))
        return [stored.installation.name for stored in page.items]

    assert names() == ["a", "b", "moody"]
    assert names(size=2) == ["a", "b"]
    assert names("moody") == names("moody", size=1) == ["moody"]
    assert names(None, "Commits", "unknown") == ["a", "b"]
    assert names("moody", "commits") == names(None, "unknown") == names("unknown") == []


def test_other_errors_are_no_refusals() -> None:
    """Only the errors of the SDK become refusals, and every kind keeps its reason."""
    for error, reason in (
        (ProviderError, "invalid"),
        (ProviderForbidden, "forbidden"),
        (ProviderUnavailable, "unavailable"),
    ):
        with pytest.raises(ProviderRefused) as refusal, refusals():
            raise error("text")
        assert (refusal.value.reason, str(refusal.value)) == (reason, "text")
    with pytest.raises(KeyError), refusals():
        raise KeyError
