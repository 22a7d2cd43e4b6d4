"""Rows of organizations are cached by a version that every change raises."""

from collections.abc import Iterator
from datetime import timedelta
from unittest.mock import Mock

import pytest

import databases
import factories
from factories import NOW
from scmhost.infra.db import engine
from scmhost.infra.db.engine import OrganizationCache, Store, Transaction
from scmhost.organizations.queries import find_named
from scmhost.sdk import Organization

SECOND = timedelta(seconds=1)


@pytest.fixture
def acme(store: Store) -> Organization:
    return Organization(id=factories.new_organization(store, "acme"), slug="acme", name="acme")


@pytest.fixture
def elsewhere(store: Store, database_url: str) -> Iterator[Store]:
    """The store of another process."""
    assert store is not None
    with databases.opened(database_url) as other:
        yield other


def change(store: Store, organization: Organization) -> None:
    with store.write() as tx:
        tx.mark_changed(organization.id)


def test_changes_raise_the_version(store: Store, acme: Organization) -> None:
    """Each transaction that changes an organization raises its version by one; others have versions of their own."""
    other = factories.new_organization(store, "other")
    for _ in range(2):
        with store.write() as tx:
            tx.mark_changed(acme.id)
            tx.mark_changed(acme.id)
    with store.read() as tx:
        assert (tx.version_of(acme.id), tx.version_of(other)) == (2, 0)


def test_change_that_is_rolled_back_raises_nothing(store: Store, acme: Organization) -> None:
    """Without its change, a transaction leaves the version and the caches of its process as they are."""
    cache = store.caches.of(acme, NOW)

    def fail() -> None:
        with store.write() as tx:
            tx.mark_changed(acme.id)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert store.caches.get(acme.id, NOW) is cache
    with store.read() as tx:
        assert tx.version_of(acme.id) == 0


def test_row_is_read_once(store: Store, acme: Organization) -> None:
    """A row is read at its first use. None is not kept: another process may have made the row since."""
    cache, read = store.caches.of(acme, NOW), Mock(side_effect=[None, "row", "other"])
    assert [cache.get("token", "k", read) for _ in range(3)] == [None, "row", "row"]
    assert (cache.peek("token", "k"), cache.peek("project", "k")) == ("row", None)


def test_missing_rows_are_read_together(store: Store, acme: Organization) -> None:
    """Of several rows only those that are not cached are read, in one call; unknown ones are left out."""
    cache, read = store.caches.of(acme, NOW), Mock(side_effect=[{1: "a"}, {2: "b"}])
    assert cache.get_many("repository", [1], read) == {1: "a"}
    assert cache.get_many("repository", [1, 2, 3], read) == {1: "a", 2: "b"}
    assert [call.args for call in read.call_args_list] == [([1],), ([2, 3],)]


def test_own_change_is_seen_at_once(store: Store, acme: Organization) -> None:
    """A process does not use its rows any more once it has changed one."""
    store.caches.of(acme, NOW).keep("token", "k", "row")
    change(store, acme)
    assert store.caches.get(acme.id, NOW) is None
    assert store.caches.of(acme, NOW).peek("token", "k") is None


def test_change_of_another_process_is_seen_within_a_second(store: Store, elsewhere: Store, acme: Organization) -> None:
    """The version is read again after a second, and not before."""
    first = store.caches.of(acme, NOW)
    change(elsewhere, acme)
    assert store.caches.of(acme, NOW + SECOND * 0.99) is first
    assert store.caches.of(acme, NOW + SECOND) is not first


def test_rows_stay_while_nothing_changes(store: Store, elsewhere: Store, acme: Organization) -> None:
    """A change of another organization keeps the rows, and so does every check."""
    other = Organization(id=factories.new_organization(store, "other"), slug="other", name="other")
    first = store.caches.of(acme, NOW)
    change(elsewhere, other)
    assert all(store.caches.of(acme, NOW + SECOND * number) is first for number in range(4))


def test_clock_that_is_set_back_delays_nothing(store: Store, elsewhere: Store, acme: Organization) -> None:
    """A check in the future does not count."""
    first = store.caches.of(acme, NOW)
    change(elsewhere, acme)
    assert store.caches.of(acme, NOW - SECOND * 60) is not first


def test_slow_reader_does_not_save_an_old_row(store: Store, acme: Organization) -> None:
    """A row that was read before a change is not found after it, even if it is saved later."""
    slow = store.caches.of(acme, NOW)

    def read_old_row() -> str:
        change(store, acme)
        store.caches.of(acme, NOW)
        return "old"

    assert slow.get("token", "k", read_old_row) == "old"
    assert store.caches.of(acme, NOW).peek("token", "k") is None


def test_organization_is_found_by_id_and_slug(store: Store, acme: Organization) -> None:
    """A client names an organization by either; one that does not exist takes no room."""
    assert store.caches.find("nobody", NOW, find_named) is None
    assert store.caches.find(factories.NOBODY, NOW, find_named) is None
    found = store.caches.find("acme", NOW, find_named)
    assert found is not None
    assert found.organization.id == acme.id
    not_called: Mock = Mock(side_effect=AssertionError)
    assert store.caches.find(acme.id, NOW, not_called) is store.caches.find("acme", NOW, not_called) is found


def test_full_cache_is_emptied() -> None:
    """A kind of row that has too many begins anew; other kinds keep theirs."""
    cache = OrganizationCache(Organization(id=1, slug="acme", name="Acme"), 0, 0, NOW)
    cache.keep("project", "web", "row")
    for number in range(engine.MAX_ROWS + 1):
        cache.keep("token", number, "row")
    assert (cache.peek("token", 0), cache.peek("token", engine.MAX_ROWS), cache.peek("project", "web")) == (
        None,
        "row",
        "row",
    )


def test_transaction_without_a_statement_takes_no_connection(sqlite_store: Store) -> None:
    """A request that finds everything in the cache does not wait for the pool."""
    with sqlite_store.read() as tx:
        assert isinstance(tx, Transaction)
    assert sqlite_store._engine.pool.checkedout() == 0  # type: ignore[attr-defined]
