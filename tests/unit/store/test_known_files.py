"""The files that commits named, listed afterwards and found by their names."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import permutations

import factories
from scmhost.sdk import CommitDraft, FileChange
from scmhost.store import commits, jobs, known_files
from scmhost.store.engine import Store
from scmhost.store.values import Job

ENDLESS = 2**53 - 1


def changing(number: int, *changes: str) -> CommitDraft:
    """A commit; a change is written as its type and its path."""
    listed = tuple(FileChange.model_validate({"type": change[0], "path": change[2:]}) for change in changes)
    return factories.draft(number, changes=listed)


def save(store: Store, tenant: factories.Tenant, *drafts: CommitDraft) -> None:
    with store.write() as tx:
        commits.save(tx, tenant.id, tenant.repository, drafts, factories.NOW)


def orders(store: Store, tenant: factories.Tenant) -> Sequence[Job]:
    with store.read() as tx:
        return jobs.beginning_with(tx, tenant.id, known_files.KIND, "")


def list_all(store: Store, tenant: factories.Tenant) -> None:
    with store.write() as tx:
        assert known_files.take_in(tx, tenant.id, tenant.repository, 0, ENDLESS) is None


def found(store: Store, tenant: factories.Tenant, *names: str, most: int = 10) -> set[str]:
    with store.read() as tx:
        return {file.path for file in known_files.named(tx, tenant.id, names, most)}


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
            (known,) = known_files.standing(tx, tenant.id, {tenant.repository: ["a.py", "b.py"]}).values()
        assert (known.path, known.deleted, known.sha) == ("a.py", False, factories.sha(5))


def test_a_deleted_file_is_known_to_be_gone(store: Store) -> None:
    """It is not found by its name any more, and what is known of its path says why."""
    tenant = factories.new_tenant(store)
    save(store, tenant, changing(3, "A a.py"), changing(4, "D a.py"))
    list_all(store, tenant)
    assert found(store, tenant, "a.py") == set()
    with store.read() as tx:
        assert known_files.standing(tx, tenant.id, {tenant.repository: ["a.py"]})[tenant.repository, "a.py"].deleted


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


def test_an_order_names_the_commits_that_changed_files(store: Store) -> None:
    """What is listed by the orders alone is all that there is."""
    tenant = factories.new_tenant(store)
    save(store, tenant, *(changing(number, f"A {number}.py") for number in range(10, 20)))
    for job in orders(store, tenant):
        with store.write() as tx:
            first, last = (int(str(job.payload[name])) for name in ("first", "last"))
            assert known_files.take_in(tx, tenant.id, tenant.repository, first, last) is None
    assert found(store, tenant, *(f"{number}.py" for number in range(10, 20))) == {f"{n}.py" for n in range(10, 20)}


def test_many_commits_are_listed_in_pieces(store: Store) -> None:
    """No transaction lists more than some, and the next one goes on from where it stopped."""
    tenant = factories.new_tenant(store)
    most = known_files._PIECE
    drafts = [factories.draft(number, changes=(FileChange(path=f"{number}.py", type="A"),)) for number in range(most)]
    save(store, tenant, *(draft.model_copy(update={"sha": f"f{draft.sha[1:]}"}) for draft in drafts))
    with store.write() as tx:
        rest = known_files.take_in(tx, tenant.id, tenant.repository, 0, ENDLESS)
        assert rest is not None
        assert known_files.take_in(tx, tenant.id, tenant.repository, rest, ENDLESS) is None
    assert found(store, tenant, "0.py", f"{most - 1}.py") == {"0.py", f"{most - 1}.py"}


def test_files_of_repositories_that_are_hidden_are_not_found(store: Store) -> None:
    """What is hidden tells no mappings; made active again, it does."""
    tenant = factories.new_tenant(store)
    assert found(store, tenant, "README") == {"README"}
    with store.write() as tx:
        factories.repositories.schedule_deletion(tx, tenant.id, tenant.repository, factories.NOW + timedelta(days=1))
    assert found(store, tenant, "README") == set()


def test_long_and_odd_names_are_found(store: Store) -> None:
    """Names are compared as far as an index takes them; none is too long or too strange to be kept."""
    tenant = factories.new_tenant(store)
    names = ["é" * 2000, "a b.py", "%_.py", "'\"\\.py"]
    save(store, tenant, changing(3, *(f"A dir/{name}" for name in names)))
    list_all(store, tenant)
    assert found(store, tenant, *names) == {f"dir/{name}" for name in names}
