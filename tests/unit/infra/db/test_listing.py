"""Keyset pages."""

from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import factories
from scmhost.commits import bulk_queries
from scmhost.commits import queries as commit_queries
from scmhost.infra.db.engine import Store
from scmhost.infra.paging import Page, PageQuery, read_cursor
from scmhost.releases import content_queries
from scmhost.repositories import queries as repository_queries
from scmhost.sdk import Repository

Read = Callable[[PageQuery], Page[Repository]]


def reader(store: Store, organization: int) -> Read:
    """Return a function that reads a page of repositories."""

    def read(request: PageQuery) -> Page[Repository]:
        with store.read() as tx:
            return repository_queries.page(tx, organization, request)

    return read


def walk_both_ways(read: Read, size: int) -> tuple[list[list[str]], list[list[str]]]:
    """Return the names on each page, on the way to the last page and on the way back."""
    page = read(PageQuery(0, size))
    forth = [page]
    while page.has_next:
        page = read(read_cursor(page.next_cursor, size))
        forth.append(page)
    back = []
    while page.has_previous:
        page = read(read_cursor(page.previous_cursor, size))
        back.append(page)
    return [names(page) for page in forth], [names(page) for page in back]


def names(page: Page[Repository]) -> list[str]:
    return [repository.name for repository in page.items]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(repository_names=st.lists(st.text("abAB\u00e9_%", min_size=1, max_size=4), max_size=12), size=st.integers(1, 5))
def test_all_pages_together_are_the_list(sqlite_store: Store, repository_names: list[str], size: int) -> None:
    """The pages contain every row once and in order, and are the same on the way back."""
    with sqlite_store.write() as tx:
        organization = factories.new_organization_in(tx)
        repository_queries.ensure(tx, organization, repository_names, factories.NOW)
    forth, back = walk_both_ways(reader(sqlite_store, organization), size)
    everything = [name for page in forth for name in page]
    assert everything == sorted(everything, key=str.casefold)
    assert {name.casefold() for name in repository_names} == {name.casefold() for name in everything}
    assert back == forth[-2::-1]


def test_pages_are_the_same_on_every_database(store: Store) -> None:
    """With several sort keys there are no gaps between pages, in both directions."""
    tenant = factories.new_tenant(store)
    with store.write() as tx:
        drafts = [factories.draft(number, timestamp=factories.NOW) for number in range(9, 2, -1)]
        bulk_queries.save(tx, tenant.id, tenant.repository, drafts, factories.NOW)
        seen: list[str] = []
        request, more = PageQuery(0, 2), True
        while more:
            page = commit_queries.page(tx, tenant.id, tenant.repository, request)
            seen += [commit.sha for commit in page.items]
            request, more = read_cursor(page.next_cursor, 2), page.has_next
        before = commit_queries.page(tx, tenant.id, tenant.repository, read_cursor(page.previous_cursor, 2))
    assert seen == [factories.sha(number) for number in (2, 1, 9, 8, 7, 6, 5, 4, 3)]
    assert [commit.sha for commit in before.items] == seen[-3:-1]


def test_deleted_rows_hide_no_others(store: Store) -> None:
    """Rows that are deleted between two requests do not hide other rows."""
    organization = factories.new_organization(store)
    ids = [factories.new_repository(store, organization, name) for name in "abcdef"]
    read = reader(store, organization)
    first = read(PageQuery(0, 2))
    with store.write() as tx:
        content_queries.delete_repository(tx, organization, ids[0])
    assert names(read(read_cursor(first.next_cursor, 2))) == ["c", "d"]


def test_page_is_found_without_the_row_next_to_it(store: Store) -> None:
    """If the row next to a page was deleted, the page is found by its offset."""
    organization = factories.new_organization(store)
    ids = [factories.new_repository(store, organization, name) for name in "abcdef"]
    read = reader(store, organization)
    first = read(PageQuery(0, 2))
    with store.write() as tx:
        content_queries.delete_repository(tx, organization, ids[1])
    page = read(read_cursor(first.next_cursor, 2))
    assert (names(page), page.has_previous, page.has_next) == (["d", "e"], True, True)


def test_an_empty_page_has_no_edges(store: Store) -> None:
    """A page after the end is empty, and has a cursor to the page before."""
    organization = factories.new_organization(store)
    page = reader(store, organization)(read_cursor("0:100:0", 10))
    assert (page.items, page.has_next, page.next_cursor, page.previous_cursor) == ([], False, "0:110:0", "0:90:1")
