"""The files that commits named, listed afterwards and found by their names."""

from collections.abc import Sequence
from itertools import permutations

import pytest

import factories
from scmhost.commits import bulk_queries
from scmhost.infra.db import jobs
from scmhost.infra.db.engine import Store
from scmhost.infra.db.jobs import Job
from scmhost.repositories import file_queries
from scmhost.sdk import CommitDraft, FileChange

ENDLESS = 2**53 - 1


def changing(number: int, *changes: str) -> CommitDraft:
    """A commit; a change is written as its type and its path."""
    listed = tuple(FileChange.model_validate({"type": change[0], "path": change[2:]}) for change in changes)
    return factories.draft(number, changes=listed)


def save(store: Store, tenant: factories.Tenant, *drafts: CommitDraft) -> None:
    with store.write() as tx:
        bulk_queries.save(tx, tenant.id, tenant.repository, drafts, factories.NOW)


def orders(store: Store, tenant: factories.Tenant) -> Sequence[Job]:
    with store.read() as tx:
        return jobs.beginning_with(tx, tenant.id, file_queries.KIND, "")


def list_all(store: Store, tenant: factories.Tenant) -> None:
    with store.write() as tx:
        assert file_queries.take_in(tx, tenant.id, tenant.repository, 0, ENDLESS) is None


def found(store: Store, tenant: factories.Tenant, *names: str, most: int = 10) -> set[str]:
    with store.read() as tx:
        return {path for paths in file_queries.named(tx, tenant.id, names, most).values() for path in paths}


def test_files_are_found_by_their_names(store: Store) -> None:
    """Wherever they are, and no others."""
    tenant = factories.new_tenant(store)
    save(store, tenant, changing(3, "A a/cart.py", "A b/c/cart.py", "A cart.py", "A a/scart.py", "M cart.py/x"))
    list_all(store, tenant)
    assert found(store, tenant, "cart.py", "none.py") == {"a/cart.py", "b/c/cart.py", "cart.py"}


def test_of_a_name_that_too_many_have_there_are_none(store: Store) -> None:
    """Some of many would tell what is not so: that a path can be of one file only."""
    tenant = factories.new_tenant(store)
    save(store, tenant, changing(3, "A a/m.py", "A b/m.py", "A c/m.py", "A a/n.py"))
    list_all(store, tenant)
    assert found(store, tenant, "m.py", "n.py", most=2) == {"a/n.py"}


def test_the_newest_commit_counts(store: Store) -> None:
    """In whatever order commits are sent, what the newest of them did to a file is what is known."""
    for number, sent in enumerate(permutations([changing(3, "A a.py"), changing(4, "D a.py"), changing(5, "M a.py")])):
        tenant = factories.new_tenant(store, f"org-{number}")
        for draft in sent:
            save(store, tenant, draft)
            list_all(store, tenant)
        with store.read() as tx:
            (known,) = file_queries.standing(tx, tenant.id, {tenant.repository: ["a.py", "b.py"]}).values()
        assert (known.path, known.deleted, known.sha) == ("a.py", False, factories.sha(5))


def test_a_deleted_file_is_known_to_be_gone(store: Store) -> None:
    """It is not found by its name any more, and what is known of its path says why."""
    tenant = factories.new_tenant(store)
    save(store, tenant, changing(3, "A a.py"), changing(4, "D a.py"))
    list_all(store, tenant)
    assert found(store, tenant, "a.py") == set()
    with store.read() as tx:
        assert file_queries.standing(tx, tenant.id, {tenant.repository: ["a.py"]})[tenant.repository, "a.py"].deleted


def test_listing_again_changes_nothing(store: Store) -> None:
    """A job that two workers do, or that is done twice, does no harm."""
    tenant = factories.new_tenant(store)
    save(store, tenant, changing(3, "A a.py"), changing(4, "M a.py", "A b.py"))
    list_all(store, tenant)
    before = factories.all_rows(store)
    list_all(store, tenant)
    assert factories.all_rows(store) == before


def test_new_changes_are_ordered_and_known_ones_are_not(store: Store) -> None:
    """Commits that are sent again order nothing; changes that a known commit lacked are ordered."""
    tenant = factories.new_tenant(store)
    bare = factories.draft(3, changes=())
    save(store, tenant, bare)
    count = len(orders(store, tenant))
    save(store, tenant, changing(3, "A a.py"))
    assert len(orders(store, tenant)) == count + 1
    save(store, tenant, changing(3, "A a.py"))
    assert len(orders(store, tenant)) == count + 1


def test_orders_are_carried_out_together(store: Store) -> None:
    """All that is ordered for a repository is listed at once, and nothing is left to be done."""
    tenant = factories.new_tenant(store)
    for number in range(10, 20):
        save(store, tenant, changing(number, f"A {number}.py"))
    with store.write() as tx:
        assert file_queries.index_pending(tx, tenant.id, tenant.repository, factories.NOW)
        assert not file_queries.index_pending(tx, tenant.id, tenant.repository, factories.NOW)
    assert orders(store, tenant) == []
    assert found(store, tenant, *(f"{number}.py" for number in range(10, 20))) == {f"{n}.py" for n in range(10, 20)}


def test_many_commits_are_listed_in_pieces(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """No transaction lists more than some, and what is left is ordered anew."""
    monkeypatch.setattr(file_queries, "_COMMITS_PER_TRANSACTION", 4)
    tenant = factories.new_tenant(store)
    save(store, tenant, *(changing(number, f"A {number}.py") for number in range(10, 20)))
    for left in (1, 1, 0):
        with store.write() as tx:
            assert file_queries.index_pending(tx, tenant.id, tenant.repository, factories.NOW)
        assert len(orders(store, tenant)) == left
    assert found(store, tenant, *(f"{number}.py" for number in range(10, 20))) == {f"{n}.py" for n in range(10, 20)}


def test_long_and_odd_names_are_found(store: Store) -> None:
    """Names are compared as far as an index takes them; none is too long or too strange to be kept."""
    tenant = factories.new_tenant(store)
    names = ["é" * 2000, "a b.py", "%_.py", "'\"\\.py"]
    save(store, tenant, changing(3, *(f"A dir/{name}" for name in names)))
    list_all(store, tenant)
    assert found(store, tenant, *names) == {f"dir/{name}" for name in names}
