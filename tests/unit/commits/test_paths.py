"""Paths with libgit2's marks."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loading import case_id, load_cases
from scmhost.commits.paths import plain_path


@pytest.mark.parametrize("case", load_cases("paths"), ids=case_id)
def test_reads_a_path(case: dict[str, Any]) -> None:
    """A mark is taken off where the path itself shows that it is one."""
    assert case["plain"] == plain_path(case["path"])


@given(st.text(min_size=1).filter(lambda name: not {"*", " "} & {*name}))
def test_marks_never_hide_a_name(name: str) -> None:
    """However a changed mode is written, the name comes out; a name without marks stays as it is."""
    marked = (f"{name}*", f"{name}* {name}", f"{name}* {name} ", f"{name}  {name}*")
    assert {plain_path(path) for path in (name, *marked)} == {name}


def test_a_long_path_is_read_at_once() -> None:
    """A path of marks and blanks is read in one pass, however long it is."""
    assert plain_path("a* " * 1_000_000 + "a*").endswith("a")
