"""Pages and cursors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scmhost.infra.errors import InvalidInput
from scmhost.infra.paging import PageRequest, page_of, read_cursor


@given(st.lists(st.integers()), st.integers(min_value=1, max_value=5))
def test_following_cursors_shows_everything_once(rows: list[int], size: int) -> None:
    """Who follows the next cursor until there is no more has seen each row once, in order."""
    seen: list[int] = []
    request, more = PageRequest(0, size), True
    while more:
        page = page_of(rows[request.offset : request.offset + size + 1], request)
        seen.extend(page.items)
        request, more = read_cursor(page.next_cursor, size), page.more
    assert rows == seen


@pytest.mark.parametrize("cursor", [None, "", "0:0:0"])
def test_no_cursor_is_the_first_page(cursor: str | None) -> None:
    """Without a cursor the list begins at its beginning."""
    assert PageRequest(0, 10) == read_cursor(cursor, 10)


@pytest.mark.parametrize(("offset", "previous"), [(20, "0:10:1"), (5, "0:0:1"), (0, "0:0:1")])
def test_the_way_back_ends_at_the_beginning(offset: int, previous: str) -> None:
    """There is no page before the first."""
    assert previous == page_of([1], PageRequest(offset, 10)).previous_cursor


@pytest.mark.parametrize(
    "cursor",
    ["x", "0:-1:0", "0:1:2", "0:1", "0:9999999999:0", "99999999999999999:0:0", "0:1:0\n", "\u0660:\u0661:\u0660"],
)
def test_foreign_cursors_are_refused(cursor: str) -> None:
    """A cursor that nobody handed out is the caller's fault, by name."""
    with pytest.raises(InvalidInput, match="begin without a cursor") as caught:
        read_cursor(cursor, 10)
    assert caught.value.field == "cursor"
