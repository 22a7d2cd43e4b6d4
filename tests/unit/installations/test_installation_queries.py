"""SQL of installations and webhook secrets."""

from datetime import timedelta

import pytest

import factories
from scmhost.infra.db.engine import Store
from scmhost.infra.db.errors import Duplicate
from scmhost.installations import queries as installation_queries
from scmhost.sdk import Installation, InstallationDraft

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


def owner(store: Store, organization_id: int, external_id: str = "one") -> Installation:
    """An installation with secrets."""
    id_ = factories.new_installation(store, organization_id, external_id)
    with store.write() as tx:
        installation = installation_queries.get_many(tx, organization_id, [id_])[id_].installation
        installation_queries.save_secrets(tx, installation, "sealed", "key", None)
    return installation


def sealed(store: Store, installation: Installation) -> installation_queries.SealedSecrets:
    with store.read() as tx:
        return installation_queries.sealed_secrets(tx, installation.organization_id, [installation.id])[installation.id]


def test_secrets_are_leased_by_one_worker(store: Store) -> None:
    """A lease is refused while another lasts, and after the secrets have changed."""
    later = factories.NOW + timedelta(seconds=30)
    installation = owner(store, factories.new_organization(store))
    first = sealed(store, installation)
    with store.write() as tx:
        assert installation_queries.lease_secrets(tx, first, factories.NOW, later)
        assert not installation_queries.lease_secrets(tx, first, factories.NOW, later)
        assert installation_queries.lease_secrets(tx, first, later, later)
        assert installation_queries.replace_secrets(tx, first, "new", "key", later)
        assert not installation_queries.replace_secrets(tx, first, "late", "key", None)
        assert not installation_queries.lease_secrets(tx, first, later, later)
    second = sealed(store, installation)
    assert (second.encrypted, second.version, second.expires_at, second.leased_until) == ("new", 2, later, None)


def test_problem_of_secrets_is_kept_until_they_change(store: Store) -> None:
    """A problem ends the lease; new secrets end the problem."""
    installation = owner(store, factories.new_organization(store))
    with store.write() as tx:
        installation_queries.end_lease(tx, sealed(store, installation), "refused", factories.NOW)
    assert (sealed(store, installation).problem, sealed(store, installation).problem_at) == ("refused", factories.NOW)
    with store.write() as tx:
        installation_queries.accept_secrets(tx, sealed(store, installation))
    assert sealed(store, installation).problem is None
    with store.write() as tx:
        installation_queries.end_lease(tx, sealed(store, installation), "again", factories.NOW)
        installation_queries.save_secrets(tx, installation, "new", "key", None)
    assert (sealed(store, installation).problem, sealed(store, installation).version) == (None, 2)


def test_secrets_of_other_keys_come_in_batches(store: Store) -> None:
    """The batches of all organizations follow each other; what is sealed again leaves them."""
    mine, yours = factories.new_organization(store), factories.new_organization(store, "yours")
    owners = [owner(store, organization, name) for organization in (mine, yours) for name in ("one", "two")]
    places = [(each.organization_id, each.id) for each in owners]
    with store.write() as tx:
        found = installation_queries.sealed_with_other_keys(tx, "new key", (0, 0), 3)
        assert [(each.organization_id, each.installation_id) for each in found] == places[:3]
        assert installation_queries.reseal(tx, found[0], "again", "new key")
        assert not installation_queries.reseal(tx, found[0], "again", "new key")
        rest = installation_queries.sealed_with_other_keys(tx, "new key", places[1], 9)
        assert [(each.organization_id, each.installation_id) for each in rest] == places[2:]
        assert installation_queries.count_sealed(tx) == {"key": 3, "new key": 1}


def test_secrets_go_with_their_installation(store: Store) -> None:
    """An uninstalled provider leaves no secrets behind."""
    installation = owner(store, factories.new_organization(store))
    with store.write() as tx:
        installation_queries.delete_installation(tx, installation.organization_id, installation.id)
        assert installation_queries.count_sealed(tx) == {}
