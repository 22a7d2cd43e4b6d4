"""SQLite reads lists of releases in the order of an index, and does not sort them."""

from collections.abc import Callable

import pytest

import factories
from scmhost.infra.db.engine import Store, Transaction
from scmhost.infra.paging import PageQuery
from scmhost.releases import queries as release_queries
from scmhost.releases.values import Release
from statement_count import recorded_plans

FIRST = PageQuery(0, 10)


def first_release(tx: Transaction, tenant: factories.Tenant) -> Release:
    release = release_queries.find(tx, tenant.id, "1.0")
    assert release is not None
    return release


QUERIES: dict[str, Callable[[Transaction, factories.Tenant], object]] = {
    "all": lambda tx, it: release_queries.page(tx, it.id, FIRST),
    "any status": lambda tx, it: release_queries.page(tx, it.id, FIRST, status=None),
    "archived": lambda tx, it: release_queries.page(tx, it.id, FIRST, status="archived"),
    "environment": lambda tx, it: release_queries.page(tx, it.id, FIRST, environments=["production"]),
    "part of the version": lambda tx, it: release_queries.page(tx, it.id, FIRST, query="1"),
    "project": lambda tx, it: release_queries.page(tx, it.id, FIRST, project_ids=[it.project]),
    "two projects": lambda tx, it: release_queries.page(tx, it.id, FIRST, project_ids=[it.project, 1]),
    "next page": lambda tx, it: release_queries.page(tx, it.id, PageQuery(1, 10, it.release), project_ids=[it.project]),
    "page before": lambda tx, it: release_queries.page(tx, it.id, PageQuery(1, 10, it.release, backwards=True)),
    "release before": lambda tx, it: release_queries.before(tx, first_release(tx, it), it.repository),
}


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_releases_are_read_in_the_order_of_the_index(
    sqlite_store: Store, query: Callable[[Transaction, factories.Tenant], object]
) -> None:
    """No plan sorts, and each begins in the index of dates."""
    tenant = factories.new_tenant(sqlite_store)
    with sqlite_store.read() as tx, recorded_plans(sqlite_store, "ORDER BY releases.dated_at") as plans:
        query(tx, tenant)
    assert len(plans) == 1
    assert "TEMP B-TREE" not in plans[0]
    assert plans[0].startswith("SEARCH releases USING INDEX ix_releases_organization_id_dated_at_id")
