"""Lines of a changed file, and their numbers in the commit."""

from difflib import unified_diff
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from scmhost.checkout.changed_files import committed_line, read_hunks

edits = st.lists(st.sampled_from(["keep", "drop", "change", "add"]), max_size=12)


@given(edits)
def test_unchanged_line_has_its_old_number(steps: list[str]) -> None:
    """An unchanged line has its number in the commit, and a changed one is marked."""
    fresh = (f"new {number}" for number in count())
    old: list[str] = []
    new: list[str] = []
    for number, step in enumerate(steps):
        if step != "add":
            old.append(f"old {number}")
        if step != "drop":
            new.append(f"old {number}" if step == "keep" else next(fresh))
    hunks = read_hunks(line.encode() for line in unified_diff(old, new, n=0, lineterm=""))
    for number, text in enumerate(new, start=1):
        found = committed_line(number, hunks)
        assert found.changed == text.startswith("new")
        if not found.changed:
            assert old[found.line - 1] == text


def test_changed_line_has_the_number_of_the_replaced_one() -> None:
    """The link of a line that is not committed leads to the line that it replaced."""
    hunks = read_hunks([b"@@ -4,2 +4,3 @@ def f():", b"@@ -0,0 +1 @@"])
    assert committed_line(5, hunks[:1]).line == 4
    assert committed_line(1, hunks[1:]).line == 1


def test_other_lines_of_a_diff_are_skipped() -> None:
    """Headers and lines of code are no hunks."""
    assert read_hunks([b"diff --git a/x b/x", b"+@@ -1 +1 @@", b" @@ -1 +1 @@"]) == ()
