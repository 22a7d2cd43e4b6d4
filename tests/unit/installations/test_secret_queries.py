"""Secrets of webhooks: which are good, and until when."""

from datetime import timedelta

import factories
from scmhost.infra.db.engine import Store
from scmhost.installations import queries as installation_queries

DAY = timedelta(days=1)
NOW = factories.NOW


def good(store: Store, tenant: factories.Tenant, at: timedelta) -> list[int]:
    with store.read() as tx:
        return [secret.id for secret in installation_queries.live_secrets(tx, tenant.id, tenant.installation, NOW + at)]


def test_secrets_overlap_for_a_while(store: Store) -> None:
    """Those before a new one stay good until their end, which a later call does not move."""
    tenant = factories.new_tenant(store)
    with store.write() as tx:
        installation_queries.expire_secrets(tx, tenant.id, tenant.installation, NOW + DAY)
        new = installation_queries.create_secret(tx, tenant.id, tenant.installation, NOW)
    assert good(store, tenant, timedelta()) == [new.id, tenant.secret]
    with store.write() as tx:
        installation_queries.expire_secrets(tx, tenant.id, tenant.installation, NOW + 3 * DAY)
    assert [good(store, tenant, days * DAY) for days in (1, 3)] == [[new.id], []]


def test_a_secret_is_deleted_once(store: Store) -> None:
    """A deleted secret is good no more; deleting it again says that it is not there."""
    tenant = factories.new_tenant(store)
    with store.write() as tx:
        gone = [installation_queries.delete_secret(tx, tenant.id, tenant.installation, tenant.secret) for _ in range(2)]
    assert (gone, good(store, tenant, timedelta())) == ([True, False], [])


def test_an_installation_names_its_organization(store: Store) -> None:
    """A delivery says nothing but the installation's id."""
    tenant = factories.new_tenant(store)
    with store.read() as tx:
        assert installation_queries.owner_of(tx, tenant.installation) == tenant.id
        assert installation_queries.owner_of(tx, factories.NOBODY) is None
