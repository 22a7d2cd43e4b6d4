"""SQL of deploys: each is recorded once, and counted by its release."""

from datetime import timedelta

import factories
from scmhost.infra.db.engine import Store
from scmhost.releases import queries as release_queries
from scmhost.releases.values import Deploys, ReleaseDraft

HOUR = timedelta(hours=1)


def test_repeated_deploy_is_the_same(store: Store) -> None:
    """Equal texts and times mean one deploy; any other text or time means another."""
    tenant = factories.new_tenant(store)
    drafts = [
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
            for draft in drafts
        ]
    assert [created for _, created in made] == [True, False, True, True, True, True]
    assert made[0][0] == made[1][0]


def test_deploys_without_times_are_distinct(store: Store) -> None:
    """Two deploys without times may both be meant; each ends at the time of its request."""
    tenant = factories.new_tenant(store)
    draft = factories.deploy("staging", finished_at=None)
    with store.write() as tx:
        first, second = (
            release_queries.create_deploy(tx, tenant.id, tenant.release, draft, [], factories.NOW) for _ in range(2)
        )
    assert (first[1], second[1], first[0].finished_at) == (True, True, factories.NOW)


def test_last_deploy_comes_first(store: Store) -> None:
    """Deploys are listed by their end; a release has their number and the last one."""
    tenant = factories.new_tenant(store)
    with store.write() as tx:
        for hours in (2, 3, 1):
            draft = factories.deploy(f"e{hours}", finished_at=factories.NOW + hours * HOUR)
            release_queries.create_deploy(tx, tenant.id, tenant.release, draft, [], factories.NOW)
        other, _ = release_queries.upsert(tx, tenant.id, "2.0", ReleaseDraft(), factories.NOW)
        page = release_queries.deploy_page(tx, tenant.id, tenant.release, factories.EVERYTHING)
        deploys = release_queries.deploys_of_releases(tx, tenant.id, [tenant.release, other.id])
    assert [deploy.environment for deploy in page.items] == ["e3", "e2", "e1", "production"]
    assert deploys == {tenant.release: Deploys(4, page.items[0])}
