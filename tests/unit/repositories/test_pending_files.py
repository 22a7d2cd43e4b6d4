"""Read files of commits that the index lacks, at a bounded cost and without writing."""

from collections.abc import Iterable, Sequence
from itertools import permutations

import pytest
from sqlalchemy import select

import factories
from scmhost.commits import bulk_queries
from scmhost.infra.db import jobs
from scmhost.infra.db.base import JOBS
from scmhost.infra.db.engine import Store
from scmhost.infra.db.jobs import QueuedJob
from scmhost.repositories import file_index_queries, file_queries
from scmhost.sdk import CommitDraft, FileChange
from statement_count import recorded_statements
from use_cases import open_services

pytestmark = pytest.mark.thorough


def changing(number: int, *changes: str) -> CommitDraft:
    """A commit; a change is written as its type and its path."""
    listed = tuple(FileChange.model_validate({"type": change[0], "path": change[2:]}) for change in changes)
    return factories.draft(number, changes=listed)


def save(store: Store, tenant: factories.Tenant, *drafts: CommitDraft, repository: int | None = None) -> None:
    with store.write() as tx:
        bulk_queries.save(tx, tenant.id, repository or tenant.repository, drafts, factories.NOW)


def index_all(store: Store, tenant: factories.Tenant) -> None:
    with open_services(store) as services:
        while waiting := pending_jobs(store, tenant):
            file_index_queries.index_files(services, waiting[0])


def pending_jobs(store: Store, tenant: factories.Tenant) -> Sequence[QueuedJob]:
    with store.read() as tx:
        return file_queries.pending_jobs(tx, tenant.id, tenant.repository)


def state(store: Store, tenant: factories.Tenant, path: str) -> tuple[bool, str] | None:
    """Whether a path is deleted, and the newest commit that changed it."""
    with store.read() as tx:
        known = file_queries.file_states(tx, tenant.id, {tenant.repository: [path]}).get((tenant.repository, path))
    return (known.deleted, known.sha) if known else None


def paths(store: Store, tenant: factories.Tenant, names: Iterable[str], most: int = 10) -> dict[int, list[str]]:
    with store.read() as tx:
        found = file_queries.paths_by_name(tx, tenant.id, names, most)
    return {id_: sorted(listed) for id_, listed in found.items()}


def test_new_commit_is_read_before_it_is_indexed(store: Store) -> None:
    """A file that came in a moment ago has its state, and is found by its name."""
    tenant = factories.new_tenant(store)
    save(store, tenant, changing(5, "A src/cart.py", "D src/old.py"))
    assert state(store, tenant, "src/cart.py") == (False, factories.sha(5))
    assert state(store, tenant, "src/old.py") == (True, factories.sha(5))
    assert state(store, tenant, "src/other.py") is None
    assert paths(store, tenant, ["cart.py", "old.py"]) == {tenant.repository: ["src/cart.py"]}


def test_newest_change_counts_wherever_it_is(store: Store) -> None:
    """For each order of three commits, and each part of them that is indexed, the newest one decides."""
    drafts = [changing(3, "A a.py"), changing(4, "D a.py"), changing(5, "M a.py")]
    for number, sent in enumerate(permutations(drafts)):
        for indexed in range(3):
            tenant = factories.new_tenant(store, f"org-{number}-{indexed}")
            save(store, tenant, *sent[:indexed])
            index_all(store, tenant)
            for draft in sent[indexed:]:
                save(store, tenant, draft)
            assert state(store, tenant, "a.py") == (False, factories.sha(5))
            assert paths(store, tenant, ["a.py"]) == {tenant.repository: ["a.py"]}


def test_pending_deletion_hides_an_indexed_file(store: Store) -> None:
    """A file that a new commit deletes is not found by its name, although the index still has it."""
    tenant = factories.new_tenant(store)
    save(store, tenant, changing(3, "A a.py"))
    index_all(store, tenant)
    save(store, tenant, changing(4, "D a.py"))
    assert paths(store, tenant, ["a.py"]) == {}
    assert state(store, tenant, "a.py") == (True, factories.sha(4))


def test_indexing_changes_no_answer(store: Store) -> None:
    """States and paths are equal before and after indexing."""
    tenant = factories.new_tenant(store)
    names = [f"{number % 7}.py" for number in range(40)]
    for number, name in enumerate(names):
        kind = "D" if number % 3 == 0 else "M"
        save(store, tenant, changing(100 + (number * 17) % 40, f"{kind} dir/{name}", f"A {number % 5}/{name}"))
    paths_to_find = [f"{folder}/{name}" for name in names for folder in ("dir", *"01234")]

    def answers() -> object:
        with store.read() as tx:
            return file_queries.file_states(tx, tenant.id, {tenant.repository: paths_to_find}), paths(
                store, tenant, names
            )

    before = answers()
    index_all(store, tenant)
    assert answers() == before


def test_pending_files_count_towards_the_limit_of_a_name(store: Store) -> None:
    """A name that more files have than the limit, indexed and pending together, is left out."""
    tenant = factories.new_tenant(store)
    save(store, tenant, changing(3, "A a/m.py", "A b/m.py", "A a/n.py"))
    index_all(store, tenant)
    save(store, tenant, changing(4, "M a/m.py", "A c/m.py"))
    assert paths(store, tenant, ["m.py", "n.py"], most=3) == {
        tenant.repository: ["a/m.py", "a/n.py", "b/m.py", "c/m.py"]
    }
    assert paths(store, tenant, ["m.py", "n.py"], most=2) == {tenant.repository: ["a/n.py"]}


def test_names_are_found_in_all_repositories_of_the_organization_only(store: Store) -> None:
    """Pending commits of other repositories are read for names; those of other organizations never are."""
    tenant, other = factories.new_tenant(store), factories.new_tenant(store, "other")
    second = factories.new_repository(store, tenant.id, "second")
    save(store, tenant, changing(3, "A one/m.py"))
    save(store, tenant, changing(4, "A two/m.py"), repository=second)
    save(store, other, changing(5, "A three/m.py"))
    assert paths(store, tenant, ["m.py"]) == {tenant.repository: ["one/m.py"], second: ["two/m.py"]}
    assert state(store, tenant, "two/m.py") is None
    assert state(store, tenant, "three/m.py") is None


def test_reads_do_not_write(store: Store) -> None:
    """Reading states and names sends SELECT statements only, and leaves the jobs where they are."""
    tenant = factories.new_tenant(store)
    save(store, tenant, changing(3, "A a.py"))
    before = factories.all_rows(store)
    with recorded_statements(store) as statements:
        state(store, tenant, "a.py")
        paths(store, tenant, ["a.py"])
    assert {statement.split()[0] for statement in statements} <= {"SELECT", "BEGIN", "SET"}
    assert factories.all_rows(store) == before


def test_statements_do_not_grow_with_what_is_pending(store: Store) -> None:
    """A hundred pending jobs of several repositories cost a few statements more than one, and paths cost none."""
    tenant = factories.new_tenant(store)
    others = [factories.new_repository(store, tenant.id, f"r{number}") for number in range(10)]
    save(store, tenant, changing(3, "A a.py"))

    def count(*paths_to_find: str) -> int:
        with recorded_statements(store) as statements:
            with store.read() as tx:
                file_queries.file_states(tx, tenant.id, {tenant.repository: paths_to_find})
            paths(store, tenant, [path.rpartition("/")[2] for path in paths_to_find])
        return len(statements)

    alone = count("a.py")
    for number in range(100):
        save(store, tenant, changing(10 + number, f"A dir/{number}.py"), repository=others[number % 10])
        save(store, tenant, changing(10 + number, f"A dir/{number}.py"))
    assert count(*(f"dir/{number}.py" for number in range(100))) <= alone + 8


def test_only_the_newest_commits_are_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a large import the newest commits are read, and no more than the limit."""
    monkeypatch.setattr(file_queries, "_PENDING_COMMITS_READ", 5)
    tenant = factories.new_tenant(store)
    save(store, tenant, *(changing(number, f"A {number}.py") for number in range(30, 10, -1)))
    known = [number for number in range(11, 31) if state(store, tenant, f"{number}.py")]
    assert known == [26, 27, 28, 29, 30]


def test_push_of_more_commits_than_a_read_scans_is_indexed_at_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job of a large push is due when it is saved; that of a small one waits for others."""
    monkeypatch.setattr(file_queries, "_PENDING_COMMITS_READ", 5)
    tenant = factories.new_tenant(store)
    index_all(store, tenant)
    save(store, tenant, *(changing(number, f"A {number}.py") for number in range(10, 14)))
    due = select(JOBS.c.id).where(JOBS.c.kind == file_queries.INDEX_FILES, JOBS.c.due_at <= factories.NOW)
    with store.read() as tx:
        assert tx.scalars(due).all() == []
    save(store, tenant, *(changing(number, f"A {number}.py") for number in range(20, 30)))
    with store.read() as tx:
        assert len(tx.scalars(due).all()) == 1


def test_number_of_changes_that_are_read_is_limited(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commits with very many changes are read up to a number of changes."""
    monkeypatch.setattr(file_queries, "_PENDING_CHANGES_READ", 10)
    tenant = factories.new_tenant(store)
    save(store, tenant, changing(3, *(f"A {number}.py" for number in range(100))), changing(4, "A new.py"))
    read = [number for number in range(100) if state(store, tenant, f"{number}.py")]
    assert len(read) <= 10
    listed = paths(store, tenant, [f"{number}.py" for number in range(100)], 100).get(tenant.repository, [])
    assert len([path for path in listed if "/" not in path]) <= 10


def test_large_import_does_not_hide_a_single_push(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A commit of one repository is read, although many newer ones of another are pending."""
    monkeypatch.setattr(file_queries, "_PENDING_COMMITS_READ", 5)
    monkeypatch.setattr(file_queries, "_SMALL_GAP", 1)
    tenant = factories.new_tenant(store)
    importing = factories.new_repository(store, tenant.id, "importing")
    save(store, tenant, changing(3, "A pushed.py"))
    save(store, tenant, *(changing(number, f"A {number}.py") for number in range(30, 10, -1)), repository=importing)
    assert paths(store, tenant, ["pushed.py", "30.py"]) == {tenant.repository: ["pushed.py"], importing: ["30.py"]}


def test_job_for_all_commits_is_read_from_the_newest(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A migration schedules a range without an upper bound; its newest commits are read."""
    monkeypatch.setattr(file_queries, "_PENDING_COMMITS_READ", 2)
    tenant = factories.new_tenant(store)
    save(store, tenant, *(changing(number, f"A {number}.py") for number in (13, 12, 11)))
    with store.write() as tx:
        for job in file_queries.pending_jobs(tx, tenant.id):
            jobs.finish(tx, job)
        file_queries.schedule_indexing(tx, tenant.id, tenant.repository, [0, 2**53 - 1], factories.NOW)
    assert [state(store, tenant, f"{number}.py") is not None for number in (11, 12, 13)] == [False, True, True]


@pytest.mark.parametrize("odd", ["", "/", "a\x00b", "\ud800", "é" * 3000, "%", "*", "a/"])
def test_odd_paths_and_names_have_no_state(sqlite_store: Store, odd: str) -> None:
    """Text that cannot be a path is not an error."""
    tenant = factories.new_tenant(sqlite_store)
    save(sqlite_store, tenant, changing(3, "A a.py"))
    assert state(sqlite_store, tenant, odd) is None
    assert paths(sqlite_store, tenant, [odd]) == {}


def test_no_paths_and_no_names_send_no_statement(sqlite_store: Store) -> None:
    """Without paths and names no statement is sent."""
    tenant = factories.new_tenant(sqlite_store)
    with sqlite_store.read() as tx, recorded_statements(sqlite_store) as statements:
        assert file_queries.file_states(tx, tenant.id, {}) == {}
        assert file_queries.file_states(tx, tenant.id, {tenant.repository: []}) == {}
        assert file_queries.paths_by_name(tx, tenant.id, [], 10) == {}
    assert statements == []
