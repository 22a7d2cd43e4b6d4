"""Save commits of which only the sha is known."""

from datetime import timedelta

import factories
from scmhost.commits import bulk_queries
from scmhost.commits import queries as commit_queries
from scmhost.infra.db.engine import Store
from statement_count import recorded_statements


def test_bare_commits_of_several_repositories(store: Store) -> None:
    """Each pair becomes a commit without message, author and time of its own."""
    organization = factories.new_organization(store)
    repositories = [factories.new_repository(store, organization, f"r{number}") for number in range(3)]
    pairs = [(id_, factories.sha(number)) for number, id_ in enumerate(repositories)]
    with store.write() as tx:
        bulk_queries.save_bare_commits(tx, organization, [*pairs, *pairs], factories.NOW)
    with store.read() as tx:
        for id_, sha in pairs:
            commit = commit_queries.find(tx, organization, id_, sha)
            assert commit is not None
            assert (commit.message, commit.author, commit.committed_at) == (None, None, factories.NOW)


def test_known_commits_stay_as_they_are(store: Store) -> None:
    """A complete commit keeps its values."""
    tenant = factories.new_tenant(store)
    before = factories.all_rows(store)["commits"]
    with store.write() as tx:
        later = factories.NOW + timedelta(days=1)
        bulk_queries.save_bare_commits(tx, tenant.id, [(tenant.repository, factories.sha(2))], later)
    assert factories.all_rows(store)["commits"] == before


def test_full_commit_completes_a_bare_one(store: Store) -> None:
    """A later request fills in the message, the author, the time and the file changes."""
    organization = factories.new_organization(store)
    repository = factories.new_repository(store, organization)
    with store.write() as tx:
        bulk_queries.save_bare_commits(tx, organization, [(repository, factories.sha(7))], factories.NOW)
        bulk_queries.save(tx, organization, repository, [factories.draft(7)], factories.NOW)
        commit = commit_queries.find(tx, organization, repository, factories.sha(7), with_changes=True)
    assert commit is not None
    assert (commit.message, commit.committed_at) == ("Change 7", factories.NOW + timedelta(minutes=7))
    assert [change.path for change in commit.changes] == ["README", "src/7.py"]


def test_last_commit_of_a_repository_counts_as_the_newest(store: Store) -> None:
    """Bare commits arrive in the order of the list."""
    organization = factories.new_organization(store)
    repository = factories.new_repository(store, organization)
    pairs = [(repository, factories.sha(number)) for number in (5, 9, 1)]
    with store.write() as tx:
        bulk_queries.save_bare_commits(tx, organization, pairs, factories.NOW)
        newest = commit_queries.page(tx, organization, repository, factories.EVERYTHING).items[0]
    assert newest.sha == factories.sha(1)


def test_statements_do_not_grow_with_the_commits(store: Store) -> None:
    """A hundred repositories take as many statements as one; no pairs take none."""
    organization = factories.new_organization(store)
    repositories = [factories.new_repository(store, organization, f"r{number}") for number in range(100)]
    counts = []
    for ids in ([], repositories[:1], repositories):
        with store.write() as tx, recorded_statements(store) as statements:
            pairs = [(id_, factories.sha(id_)) for id_ in ids]
            bulk_queries.save_bare_commits(tx, organization, pairs, factories.NOW)
        counts.append(len(statements))
    assert counts[0] == 0
    assert counts[1] == counts[2] <= 3
