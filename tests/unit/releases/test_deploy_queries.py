"""Deploys: noted once, and told with their release."""

from datetime import timedelta

import factories
from scmhost.infra.db.engine import Store
from scmhost.releases import queries as release_queries
from scmhost.releases.values import Deploys, ReleaseDraft

HOUR = timedelta(hours=1)


def test_a_deploy_told_again_is_the_same(store: Store) -> None:
    """The same words and times are one deploy; any other word or time is another."""
    tenant = factories.new_tenant(store)
    told = [
        factories.deploy("staging"),
        factories.deploy("staging"),
        factories.deploy("staging", name="b"),
        factories.deploy("staging", url="https://ci.example.com/1"),
        factories.deploy("staging", started_at=factories.NOW - HOUR),
        factories.deploy("staging", finished_at=factories.NOW + HOUR),
    ]
    with store.write() as tx:
        made = [
            release_queries.create_deploy(tx, tenant.id, tenant.release, draft, [tenant.project], factories.NOW)
            for draft in told
        ]
    assert [created for _, created in made] == [True, False, True, True, True, True]
    assert made[0][0] == made[1][0]


def test_deploys_without_times_are_each_their_own(store: Store) -> None:
    """Who tells no time may mean two deploys; each ended when it was told."""
    tenant = factories.new_tenant(store)
    draft = factories.deploy("staging", finished_at=None)
    with store.write() as tx:
        first, second = (
            release_queries.create_deploy(tx, tenant.id, tenant.release, draft, [], factories.NOW) for _ in range(2)
        )
    assert (first[1], second[1], first[0].finished_at) == (True, True, factories.NOW)


def test_the_last_deploy_comes_first(store: Store) -> None:
    """Deploys are listed by their end, and a release knows how many it has and which was the last."""
    tenant = factories.new_tenant(store)
    with store.write() as tx:
        for hours in (2, 3, 1):
            draft = factories.deploy(f"e{hours}", finished_at=factories.NOW + hours * HOUR)
            release_queries.create_deploy(tx, tenant.id, tenant.release, draft, [], factories.NOW)
        other, _ = release_queries.upsert(tx, tenant.id, "2.0", ReleaseDraft(), factories.NOW)
        page = release_queries.deploy_page(tx, tenant.id, tenant.release, factories.EVERYTHING)
        of = release_queries.deploys_of_releases(tx, tenant.id, [tenant.release, other.id])
    assert [deploy.environment for deploy in page.items] == ["e3", "e2", "e1", "production"]
    assert of == {tenant.release: Deploys(4, page.items[0])}
