"""Pages and cursors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scmhost.infra.errors import InvalidInput
from scmhost.infra.paging import PageQuery, page_of, read_cursor


@given(st.lists(st.integers()), st.integers(min_value=1, max_value=5))
def test_following_cursors_shows_everything_once(rows: list[int], size: int) -> None:
    """Following the next cursor to the end returns every row once and in order."""
    seen: list[int] = []
    request, more = PageQuery(0, size), True
    while more:
        page = page_of(rows[request.offset : request.offset + size + 1], request)
        seen.extend(page.items)
        request, more = read_cursor(page.next_cursor, size), page.more
    assert rows == seen


@pytest.mark.parametrize("cursor", [None, "", "0:0:0"])
def test_no_cursor_is_the_first_page(cursor: str | None) -> None:
    """Without a cursor the first page is returned."""
    assert PageQuery(0, 10) == read_cursor(cursor, 10)


@pytest.mark.parametrize(("offset", "previous"), [(20, "0:10:1"), (5, "0:0:1"), (0, "0:0:1")])
def test_previous_page_begins_at_the_first_row_at_most(offset: int, previous: str) -> None:
    """The previous cursor never points before the first row."""
    assert previous == page_of([1], PageQuery(offset, 10)).previous_cursor


@pytest.mark.parametrize(
    "cursor",
    ["x", "0:-1:0", "0:1:2", "0:1", "0:9999999999:0", "99999999999999999:0:0", "0:1:0\n", "\u0660:\u0661:\u0660"],
)
def test_malformed_cursors_are_refused(cursor: str) -> None:
    """A malformed cursor is refused by the name of its parameter."""
    with pytest.raises(InvalidInput, match="begin without a cursor") as caught:
        read_cursor(cursor, 10)
    assert caught.value.field == "cursor"
