"""SQL of installations and webhook secrets."""

from datetime import timedelta

import pytest

import factories
from scmhost.infra.db.engine import Store
from scmhost.infra.db.errors import Duplicate
from scmhost.installations import queries as installation_queries
from scmhost.sdk import InstallationDraft

DAY = timedelta(days=1)
NOW = factories.NOW


def test_installations_are_unique_by_external_id(store: Store) -> None:
    """An external id is unique among the installations of a provider."""
    organization = factories.new_organization(store)
    factories.new_installation(store, organization)
    draft = InstallationDraft(name="Again", external_id="one")
    with store.write() as tx:
        installation_queries.create(tx, organization, "other", draft, factories.NOW)
        with pytest.raises(Duplicate, match="'one'"):
            installation_queries.create(tx, organization, factories.PROVIDER, draft, factories.NOW)


def test_installations_are_listed_by_name(store: Store) -> None:
    """Lists are sorted by name, and can be filtered by provider."""
    organization = factories.new_organization(store)
    ids = [factories.new_installation(store, organization, name) for name in ("b", "a")]
    with store.read() as tx:
        pages = [
            installation_queries.page(tx, organization, factories.EVERYTHING, providers).items
            for providers in (None, {factories.PROVIDER}, {"other"}, set())
        ]
    assert [[it.installation.id for it in page] for page in pages] == [ids[::-1], ids[::-1], [], []]


def test_a_configuration_is_replaced(store: Store) -> None:
    """A new configuration replaces the old one; without an installation nothing is saved."""
    tenant = factories.new_tenant(store)
    with store.write() as tx:
        installation_queries.set_configuration(tx, tenant.id, tenant.installation, {"a": 1})
        saved = installation_queries.set_configuration(tx, tenant.id, tenant.installation, {"b": 2})
        assert installation_queries.get(tx, tenant.id, tenant.installation) == saved
        assert installation_queries.set_configuration(tx, tenant.id, factories.NOBODY, {}) is None
    assert saved is not None
    assert saved.installation.configuration == {"b": 2}


def valid_secrets(store: Store, tenant: factories.Tenant, at: timedelta) -> list[int]:
    with store.read() as tx:
        return [secret.id for secret in installation_queries.live_secrets(tx, tenant.id, tenant.installation, NOW + at)]


def test_secrets_overlap_for_a_while(store: Store) -> None:
    """Older secrets are valid until their expiry, which a later call does not change."""
    tenant = factories.new_tenant(store)
    with store.write() as tx:
        installation_queries.expire_secrets(tx, tenant.id, tenant.installation, NOW + DAY)
        new = installation_queries.create_secret(tx, tenant.id, tenant.installation, NOW)
    assert valid_secrets(store, tenant, timedelta()) == [new.id, tenant.secret]
    with store.write() as tx:
        installation_queries.expire_secrets(tx, tenant.id, tenant.installation, NOW + 3 * DAY)
    assert [valid_secrets(store, tenant, days * DAY) for days in (1, 3)] == [[new.id], []]


def test_a_secret_is_deleted_once(store: Store) -> None:
    """A deleted secret is invalid; deleting it again returns False."""
    tenant = factories.new_tenant(store)
    with store.write() as tx:
        gone = [installation_queries.delete_secret(tx, tenant.id, tenant.installation, tenant.secret) for _ in range(2)]
    assert (gone, valid_secrets(store, tenant, timedelta())) == ([True, False], [])


def test_an_installation_names_its_organization(store: Store) -> None:
    """The organization is found by the installation's id alone, because a delivery contains nothing else."""
    tenant = factories.new_tenant(store)
    with store.read() as tx:
        assert installation_queries.owner_of(tx, tenant.installation) == tenant.id
        assert installation_queries.owner_of(tx, factories.NOBODY) is None
