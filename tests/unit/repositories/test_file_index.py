"""Index the files that commits list, and find them by path and by name."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import permutations

import pytest

import factories
from hosting import SettableClock
from scmhost.commits import bulk_queries
from scmhost.infra.db import jobs
from scmhost.infra.db.engine import Store
from scmhost.infra.db.jobs import QueuedJob
from scmhost.repositories import file_index_queries, file_queries
from scmhost.sdk import CommitDraft, FileChange
from use_cases import open_services

ENDLESS = 2**53 - 1


def changing(number: int, *changes: str) -> CommitDraft:
    """A commit; a change is written as its type and its path."""
    listed = tuple(FileChange.model_validate({"type": change[0], "path": change[2:]}) for change in changes)
    return factories.draft(number, changes=listed)


def save(store: Store, tenant: factories.Tenant, *drafts: CommitDraft) -> None:
    with store.write() as tx:
        bulk_queries.save(tx, tenant.id, tenant.repository, drafts, factories.NOW)


def pending(store: Store, tenant: factories.Tenant) -> Sequence[QueuedJob]:
    with store.read() as tx:
        return jobs.with_key_prefix(tx, tenant.id, file_queries.INDEX_FILES, "")


def index_all(store: Store, tenant: factories.Tenant) -> None:
    with store.write() as tx:
        assert factories.index_commits(tx, tenant.id, tenant.repository, 0, ENDLESS) is None


def run_job(store: Store, tenant: factories.Tenant) -> None:
    """Run the first job that waits, due or not."""
    with open_services(store) as services:
        file_index_queries.index_files(services, pending(store, tenant)[0], lambda _seconds: None)


def found(store: Store, tenant: factories.Tenant, *names: str, most: int = 10) -> set[str]:
    with store.read() as tx:
        return {path for paths in file_queries.paths_by_name(tx, tenant.id, names, most).values() for path in paths}


def test_files_are_found_by_name(store: Store) -> None:
    """The name is the last segment of the path, as a whole."""
    tenant = factories.new_tenant(store)
    save(store, tenant, changing(3, "A a/cart.py", "A b/c/cart.py", "A cart.py", "A a/scart.py", "M cart.py/x"))
    index_all(store, tenant)
    assert found(store, tenant, "cart.py", "none.py") == {"a/cart.py", "b/c/cart.py", "cart.py"}


def test_name_of_too_many_files_is_left_out(store: Store) -> None:
    """Some of many would suggest that a path can mean one file only."""
    tenant = factories.new_tenant(store)
    save(store, tenant, changing(3, "A a/m.py", "A b/m.py", "A c/m.py", "A a/n.py"))
    index_all(store, tenant)
    assert found(store, tenant, "m.py", "n.py", most=2) == {"a/n.py"}


def test_newest_commit_counts(store: Store) -> None:
    """The state of a file is that of its newest commit, in any order of arrival."""
    for number, sent in enumerate(permutations([changing(3, "A a.py"), changing(4, "D a.py"), changing(5, "M a.py")])):
        tenant = factories.new_tenant(store, f"org-{number}")
        for draft in sent:
            save(store, tenant, draft)
            index_all(store, tenant)
        with store.read() as tx:
            (known,) = file_queries.file_states(tx, tenant.id, {tenant.repository: ["a.py", "b.py"]}).values()
        assert (known.path, known.deleted, known.sha) == ("a.py", False, factories.sha(5))


def test_deleted_file_is_not_found_by_its_name(store: Store) -> None:
    """It is not found by its name, and its state is deleted."""
    tenant = factories.new_tenant(store)
    save(store, tenant, changing(3, "A a.py"), changing(4, "D a.py"))
    index_all(store, tenant)
    assert found(store, tenant, "a.py") == set()
    with store.read() as tx:
        assert file_queries.file_states(tx, tenant.id, {tenant.repository: ["a.py"]})[tenant.repository, "a.py"].deleted


def test_indexing_again_changes_nothing(store: Store) -> None:
    """A job may run twice."""
    tenant = factories.new_tenant(store)
    save(store, tenant, changing(3, "A a.py"), changing(4, "M a.py", "A b.py"))
    index_all(store, tenant)
    before = factories.all_rows(store)
    index_all(store, tenant)
    assert factories.all_rows(store) == before


def test_new_changes_are_scheduled(store: Store) -> None:
    """New commits and changes that a known commit lacked put a job; commits that are sent again put none."""
    tenant = factories.new_tenant(store)
    bare = factories.draft(3, changes=())
    save(store, tenant, bare)
    count = len(pending(store, tenant))
    save(store, tenant, changing(3, "A a.py"))
    assert len(pending(store, tenant)) == count + 1
    save(store, tenant, changing(3, "A a.py"))
    assert len(pending(store, tenant)) == count + 1


def test_jobs_are_finished_together(store: Store) -> None:
    """All that waits for a repository is indexed at once."""
    tenant = factories.new_tenant(store)
    for number in range(10, 20):
        save(store, tenant, changing(number, f"A {number}.py"))
    run_job(store, tenant)
    assert pending(store, tenant) == []
    assert found(store, tenant, *(f"{number}.py" for number in range(10, 20))) == {f"{n}.py" for n in range(10, 20)}


def test_many_commits_are_indexed_in_parts(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job indexes a limited number, and the rest gets a new job."""
    monkeypatch.setattr(file_index_queries, "_CHANGES_PER_JOB", 5)
    tenant = factories.new_tenant(store)
    save(store, tenant, *(changing(number, f"A {number}.py") for number in range(10, 20)))
    for left in (1, 1, 0):
        run_job(store, tenant)
        assert len(pending(store, tenant)) == left
    assert found(store, tenant, *(f"{number}.py" for number in range(10, 20))) == {f"{n}.py" for n in range(10, 20)}


def test_commit_with_many_changes_is_indexed_as_a_whole(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that changes more files than a job takes has a job of its own, also as the last one."""
    monkeypatch.setattr(file_index_queries, "_CHANGES_PER_JOB", 2)
    tenant = factories.new_tenant(store)
    names = [f"{number}.py" for number in range(5)]
    save(store, tenant, *(changing(commit, *(f"M {name}" for name in names)) for commit in (10, 11)))
    while pending(store, tenant):
        run_job(store, tenant)
    with store.read() as tx:
        states = file_queries.file_states(tx, tenant.id, {tenant.repository: names})
    assert {known.path: known.sha for known in states.values()} == dict.fromkeys(names, factories.sha(11))


def test_writers_are_let_in_between_transactions(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """On SQLite a job releases the lock for a moment after each transaction but the last. What comes then waits."""
    monkeypatch.setattr(file_index_queries, "_ROWS_PER_TRANSACTION", 5)
    tenant = factories.new_tenant(store)
    save(store, tenant, *(changing(number, f"A {number}.py") for number in range(10, 20)))
    pauses: list[int] = []

    def write_meanwhile(_seconds: float) -> None:
        save(store, tenant, changing(100 + len(pauses), f"A late-{len(pauses)}.py"))
        pauses.append(len(pending(store, tenant)))

    with open_services(store) as services:
        file_index_queries.index_files(services, pending(store, tenant)[0], write_meanwhile)
    assert bool(pauses) == bool(store.file)
    assert len(pending(store, tenant)) == len(pauses)
    late = [f"late-{number}.py" for number in range(len(pauses))]
    assert found(store, tenant, *late) == set(late)


def test_interrupted_job_loses_nothing(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a crash between two transactions the jobs are still there, reads are right, and the next run ends them."""
    monkeypatch.setattr(file_index_queries, "_ROWS_PER_TRANSACTION", 2)
    tenant = factories.new_tenant(sqlite_store)
    for number in range(10, 20):
        save(sqlite_store, tenant, changing(number, f"A {number}.py", "M same.py"))
    waiting = pending(sqlite_store, tenant)
    names = [f"{number}.py" for number in range(10, 20)]

    def crash(_seconds: float) -> None:
        raise KeyboardInterrupt

    with open_services(sqlite_store) as services:
        with pytest.raises(KeyboardInterrupt):
            file_index_queries.index_files(services, waiting[0], crash)
        assert pending(sqlite_store, tenant) == waiting
        assert found(sqlite_store, tenant, *names) == set(names)
        assert isinstance(services.clock, SettableClock)
        services.clock.turn(services.limits.job_seconds)
        file_index_queries.index_files(services, waiting[0], lambda _seconds: None)
    assert pending(sqlite_store, tenant) == []
    assert found(sqlite_store, tenant, *names) == set(names)


def test_waiting_jobs_of_a_repository_are_leased_together(sqlite_store: Store) -> None:
    """While a worker has one of them, another worker gets none; those of other repositories are free."""
    tenant = factories.new_tenant(sqlite_store)
    other = factories.new_repository(sqlite_store, tenant.id, "other")
    for number in range(10, 13):
        save(sqlite_store, tenant, changing(number, f"A {number}.py"))
    until = factories.NOW + timedelta(seconds=60)
    with sqlite_store.write() as tx:
        bulk_queries.save(tx, tenant.id, other, [changing(20, "A b.py")], factories.NOW)
        waiting = file_queries.pending_jobs(tx, tenant.id, tenant.repository)
        taken = jobs.lease_others(tx, waiting[0], f"{tenant.repository}:", factories.NOW, until)
        assert {job.id for job in taken} == {job.id for job in waiting[1:]}
        assert jobs.lease_others(tx, waiting[0], f"{tenant.repository}:", factories.NOW, until) == []
        assert len(jobs.lease_others(tx, waiting[0], f"{other}:", factories.NOW, until)) == 1


def test_long_and_odd_names_are_found(store: Store) -> None:
    """Names are compared by as many characters as an index takes."""
    tenant = factories.new_tenant(store)
    names = ["é" * 2000, "a b.py", "%_.py", "'\"\\.py"]
    save(store, tenant, changing(3, *(f"A dir/{name}" for name in names)))
    index_all(store, tenant)
    assert found(store, tenant, *names) == {f"dir/{name}" for name in names}
