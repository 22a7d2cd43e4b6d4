"""Save commits once, however often they are sent, and list them newest first."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

import factories
from scmhost.commits import bulk_queries
from scmhost.commits import queries as commit_queries
from scmhost.commits.values import SavedCommits
from scmhost.infra.db.engine import Store
from scmhost.infra.db.errors import BadText
from scmhost.infra.paging import PageQuery
from scmhost.releases import content_queries
from scmhost.sdk import CommitDraft, FileChange


def save(store: Store, tenant: factories.Tenant, *drafts: CommitDraft) -> SavedCommits:
    """Save commits in the tenant's repository."""
    with store.write() as tx:
        return bulk_queries.save(tx, tenant.id, tenant.repository, drafts, factories.NOW)


def listed(store: Store, tenant: factories.Tenant) -> list[str]:
    """The shas of the tenant's repository, as listed."""
    with store.read() as tx:
        return [it.sha for it in commit_queries.page(tx, tenant.id, tenant.repository, factories.EVERYTHING).items]


def issues_of(store: Store, tenant: factories.Tenant, number: int) -> tuple[str, ...]:
    """The issues that a commit of the tenant's repository resolves."""
    with store.read() as tx:
        found = commit_queries.find(tx, tenant.id, tenant.repository, factories.sha(number))
    assert found is not None
    return found.issue_ids


def test_sending_again_changes_nothing(store: Store) -> None:
    """The same commits a second time leave every row as it was."""
    tenant = factories.new_tenant(store)
    drafts = [factories.draft(number) for number in range(3, 30)]
    first = save(store, tenant, *drafts)
    before = factories.all_rows(store)
    second = save(store, tenant, *reversed(drafts))
    assert factories.all_rows(store) == before
    assert first == SavedCommits(tuple(draft.sha for draft in drafts), known=0)
    assert second == SavedCommits((), known=27)


@pytest.mark.parametrize("known", [range(50, 60), range(3, 5), range(200, 204), [100]])
def test_known_commits_in_a_long_list(store: Store, known: Sequence[int]) -> None:
    """Wherever they are in the list, they stay as they are, and the others are saved."""
    tenant = factories.new_tenant(store)
    earlier = save(store, tenant, *(factories.draft(number, message="first") for number in known))
    saved = save(store, tenant, *(factories.draft(number, message="second") for number in range(3, 204)))
    assert (saved.known, len(saved.new)) == (len(known), 201 - len(known))
    assert set(saved.new).isdisjoint(earlier.new)
    with store.read() as tx:
        stored = bulk_queries.ids_of(tx, tenant.id, tenant.repository, [factories.sha(n) for n in range(3, 204)])
        found = [commit_queries.find(tx, tenant.id, tenant.repository, sha) for sha in earlier.new]
    assert len(stored) == 201
    assert {commit.message for commit in found if commit} == {"first"}


def test_repeated_sha_counts_once(store: Store) -> None:
    """Of two entries with one sha the first counts."""
    tenant = factories.new_tenant(store)
    saved = save(store, tenant, factories.draft(3, message="first"), factories.draft(3, message="second"))
    with store.read() as tx:
        found = commit_queries.find(tx, tenant.id, tenant.repository, factories.sha(3))
    assert saved == SavedCommits((factories.sha(3),), known=0)
    assert found is not None
    assert found.message == "first"


def test_empty_list_saves_nothing(store: Store) -> None:
    """An empty list is accepted."""
    tenant = factories.new_tenant(store)
    assert save(store, tenant) == SavedCommits((), known=0)


def test_many_senders_at_once_save_once(store: Store) -> None:
    """The same commits from many senders, in different orders, are each new to exactly one of them."""
    tenant = factories.new_tenant(store)
    # New authors would make the senders wait for each other.
    drafts = [factories.draft(number, author_email=None) for number in range(100, 250)]

    def send(number: int) -> SavedCommits:
        return save(store, tenant, *(reversed(drafts) if number % 2 else drafts))

    answers = factories.at_once(10, send)
    new = [sha for answer in answers for sha in answer.new]
    assert sorted(new) == sorted(draft.sha for draft in drafts)
    assert len(factories.all_rows(store)["file_changes"]) == 2 * (2 + len(drafts))


def test_bare_commit_is_completed(store: Store) -> None:
    """A commit that only a ref named gets its message, author, time and changes when they are sent."""
    tenant = factories.new_tenant(store)
    save(store, tenant, CommitDraft(sha=factories.sha(9)))
    whole = factories.draft(9)
    assert save(store, tenant, whole) == SavedCommits((), known=1)
    with store.read() as tx:
        found = commit_queries.find(tx, tenant.id, tenant.repository, whole.sha, with_changes=True)
    assert found is not None
    assert found.author is not None
    assert (found.message, found.author.email, found.committed_at) == (
        whole.message,
        "ada@example.com",
        whole.timestamp,
    )
    assert found.changes == tuple(sorted(whole.changes, key=lambda change: change.path))


def test_later_changes_are_added(store: Store) -> None:
    """A commit without file changes gets them when they are sent; one that has some keeps them."""
    tenant = factories.new_tenant(store)
    save(store, tenant, factories.draft(9, changes=()))
    for path in ("first.py", "second.py"):
        save(store, tenant, factories.draft(9, changes=(FileChange(path=path, type="A"),)), factories.draft(2))
    with store.read() as tx:
        found = commit_queries.find(tx, tenant.id, tenant.repository, factories.sha(9), with_changes=True)
    assert found is not None
    assert found.changes == (FileChange(path="first.py", type="A"),)


def test_known_commits_do_not_rename_authors(store: Store) -> None:
    """An author's name comes from new commits only."""
    tenant = factories.new_tenant(store)
    save(store, tenant, factories.draft(5, author_name="Ada Lovelace"))
    save(store, tenant, factories.draft(2, author_name="Ada"))
    assert [row[3] for row in factories.all_rows(store)["authors"]] == ["Ada Lovelace"]


@pytest.mark.parametrize(
    "fields",
    [
        {"message": "a\x00b"},
        {"changes": (FileChange.model_construct(path="a\x00b", type="A"),)},
        {"author_name": "a\x00b"},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_unstorable_text_is_refused(store: Store, fields: dict[str, Any]) -> None:
    """A NUL character that passed validation is an error that explains itself, and nothing is saved."""
    tenant = factories.new_tenant(store)
    before = factories.all_rows(store)
    with pytest.raises(BadText):
        save(store, tenant, factories.draft(9).model_copy(update=fields), factories.draft(8))
    assert factories.all_rows(store)["commits"] == before["commits"]


def test_overlapping_senders_save_each_commit_once(store: Store) -> None:
    """A sender whose commits another one has just saved saves the rest."""
    tenant = factories.new_tenant(store)
    drafts = [factories.draft(number) for number in range(100, 120)]

    def send(number: int) -> SavedCommits:
        return save(store, tenant, *drafts[5 * number : 5 * number + 10])

    answers = factories.at_once(3, send)
    assert sorted(sha for answer in answers for sha in answer.new) == [draft.sha for draft in drafts]
    assert sum(answer.known for answer in answers) == 10


def test_known_commit_keeps_its_parts(store: Store) -> None:
    """A commit that is sent again with other values, or with none, keeps those it has."""
    tenant = factories.new_tenant(store)
    other = {"message": "Other", "author_email": "eve@example.com", "timestamp": factories.NOW + timedelta(days=9)}
    with store.read() as tx:
        before = commit_queries.get_many(tx, tenant.id, [tenant.commit])
    save(store, tenant, factories.draft(2, **other), CommitDraft(sha=factories.sha(1)))
    with store.read() as tx:
        assert commit_queries.get_many(tx, tenant.id, [tenant.commit]) == before


def test_issues_in_a_message_are_stored(store: Store) -> None:
    """They are in upper case, each once; a message without issues has none."""
    tenant = factories.new_tenant(store)
    save(store, tenant, factories.draft(3, message="Fixes shop-12, SHOP-13 and shop-12"), factories.draft(4))
    assert issues_of(store, tenant, 3) == ("SHOP-12", "SHOP-13")
    assert issues_of(store, tenant, 4) == ()


def test_issues_belong_to_the_stored_message(store: Store) -> None:
    """A bare commit gets issues with its message; those of a later message are not stored."""
    tenant = factories.new_tenant(store)
    save(store, tenant, CommitDraft(sha=factories.sha(9)))
    save(store, tenant, factories.draft(9, message="Resolves A-1", author_email=None))
    save(store, tenant, factories.draft(9, message="Resolves B-2"))
    assert issues_of(store, tenant, 9) == ("A-1",)


def test_newest_commit_is_first(store: Store) -> None:
    """Commits are listed by time, in any order of arrival."""
    tenant = factories.new_tenant(store)
    save(store, tenant, *(factories.draft(number) for number in (5, 3, 4)))
    assert listed(store, tenant) == [factories.sha(number) for number in (5, 4, 3, 2, 1)]


@pytest.mark.parametrize("timestamp", [None, factories.NOW + timedelta(days=1)], ids=["none", "all the same"])
def test_order_of_the_list_is_kept(store: Store, timestamp: object) -> None:
    """Commits without times, or with equal ones, keep the order in which they were sent."""
    tenant = factories.new_tenant(store)
    numbers = (14, 11, 19, 12)
    with store.write() as tx:
        content_queries.delete_repository(tx, tenant.id, tenant.repository)
    repository = factories.new_repository(store, tenant.id)
    with store.write() as tx:
        drafts = [factories.draft(number, timestamp=timestamp) for number in numbers]
        bulk_queries.save(tx, tenant.id, repository, drafts, factories.NOW)
        found = commit_queries.page(tx, tenant.id, repository, factories.EVERYTHING)
    assert [it.sha for it in found.items] == [factories.sha(number) for number in numbers]


def test_authors_are_identified_by_address(store: Store) -> None:
    """Addresses match in any case; a new name replaces the old one, and a missing one does not."""
    tenant = factories.new_tenant(store)
    save(store, tenant, factories.draft(3, author_email="ADA@example.com ", author_name="Ada Lovelace"))
    save(store, tenant, factories.draft(4, author_email="ada@Example.com", author_name=None))
    save(store, tenant, factories.draft(5, author_email="", author_name="Nobody"))
    with store.read() as tx:
        known = commit_queries.get_many(tx, tenant.id, [tenant.commit])[tenant.commit].author
        without_author = commit_queries.find(tx, tenant.id, tenant.repository, factories.sha(5))
        assert known is not None
        assert commit_queries.get_authors(tx, tenant.id, [known.id, factories.NOBODY]) == {known.id: known}
    assert (known.email, known.name) == ("ada@example.com", "Ada Lovelace")
    assert without_author is not None
    assert without_author.author is None
    assert len(factories.all_rows(store)["authors"]) == 1


def test_newest_name_of_an_author_counts(store: Store) -> None:
    """Of several names for one address in a list the first is stored, that of the newest commit."""
    tenant = factories.new_tenant(store)
    save(store, tenant, *(factories.draft(n, author_name=name) for n, name in ((8, "New"), (7, "Old"), (6, None))))
    assert [row[3] for row in factories.all_rows(store)["authors"]] == ["New"]


def test_changes_of_commits(store: Store) -> None:
    """File changes are in the order of paths, and a commit without any has no entry."""
    tenant = factories.new_tenant(store)
    save(store, tenant, factories.draft(3, changes=()))
    with store.read() as tx:
        ids = bulk_queries.ids_of(tx, tenant.id, tenant.repository, [factories.sha(3), factories.sha(99)])
        changes = commit_queries.file_changes(tx, tenant.id, [tenant.commit, *ids.values()])
    assert list(ids) == [factories.sha(3)]
    assert changes == {tenant.commit: (FileChange(path="README", type="M"), FileChange(path="src/2.py", type="A"))}


@pytest.mark.parametrize("types", ["AD", "DA"])
@pytest.mark.parametrize("is_known", [False, True])
def test_repeated_path_counts_once(store: Store, types: str, is_known: bool) -> None:
    """Of two changes of one path in a commit the first counts, also where a known commit gets its changes later."""
    tenant = factories.new_tenant(store)
    changes = tuple(FileChange(path="a", type=type_) for type_ in types)
    if is_known:
        save(store, tenant, factories.draft(3, changes=()))
    save(store, tenant, factories.draft(3, changes=changes))
    with store.read() as tx:
        found = commit_queries.find(tx, tenant.id, tenant.repository, factories.sha(3), with_changes=True)
    assert found is not None
    assert found.changes == changes[:1]


def test_releases_of_commits(store: Store) -> None:
    """A commit in no release has no entry."""
    tenant = factories.new_tenant(store)
    with store.read() as tx:
        found = commit_queries.releases_of(tx, tenant.id, [tenant.commit, factories.NOBODY])
    assert {commit: [it.version for it in of_commit] for commit, of_commit in found.items()} == {tenant.commit: ["1.0"]}
    assert found[tenant.commit][0].id == tenant.release


def test_more_commits_than_a_statement_takes(store: Store) -> None:
    """Lists may be longer than the number of values that a statement may have."""
    tenant = factories.new_tenant(store)
    drafts = [factories.draft(number, changes=()) for number in range(100, 5300)]
    assert len(save(store, tenant, *drafts).new) == len(drafts)
    with store.read() as tx:
        ids = bulk_queries.ids_of(tx, tenant.id, tenant.repository, [draft.sha for draft in drafts])
        assert len(commit_queries.get_many(tx, tenant.id, ids.values())) == len(drafts)


def test_pages_follow_each_other(store: Store) -> None:
    """Pages of commits neither overlap nor omit any."""
    tenant = factories.new_tenant(store)
    save(store, tenant, *(factories.draft(number) for number in range(3, 8)))
    with store.read() as tx:
        pages = [commit_queries.page(tx, tenant.id, tenant.repository, PageQuery(offset, 3)) for offset in (0, 3, 6)]
    assert [it.sha for page in pages for it in page.items] == listed(store, tenant)
    assert [page.more for page in pages] == [True, True, False]


def test_bare_commit_takes_its_place_in_a_list(store: Store) -> None:
    """Commits without a time keep the order of the list, also one that was known by its sha alone."""
    tenant = factories.new_tenant(store)
    bare = [factories.draft(7, message=None, author_email=None, author_name=None, timestamp=None, changes=())]
    sent = [factories.draft(number, timestamp=None) for number in (9, 7, 8)]
    with store.write() as tx:
        bulk_queries.save(tx, tenant.id, tenant.repository, bare, factories.NOW + timedelta(days=1))
        bulk_queries.save(tx, tenant.id, tenant.repository, sent, factories.NOW + timedelta(days=2))
        page = commit_queries.page(tx, tenant.id, tenant.repository, factories.EVERYTHING)
    assert [commit.sha for commit in page.items][:3] == [factories.sha(number) for number in (9, 7, 8)]
