"""Rules of single fields: paths with libgit2's marks, authors, file changes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loading import case_id, load_cases
from scmhost.commits.fields import MAX_NOTES, Notes, author_email, file_changes, plain_path


@pytest.mark.parametrize("case", load_cases("paths"), ids=case_id)
def test_marks_of_libgit2_are_removed(case: dict[str, Any]) -> None:
    """A mark is removed if the path itself shows that it is one."""
    assert case["plain"] == plain_path(case["path"])


@given(st.text(min_size=1).filter(lambda name: not {"*", " "} & {*name}))
def test_each_form_of_a_mode_change_gives_the_name(name: str) -> None:
    """Each form of a mode change gives the name; a name without marks stays as it is."""
    forms = ("{0}*", "{0}* {0}", "{0}* {0} ", "{0}*  {0}", "{0}  {0}*", "{0} {0}*")
    marked = [form.format(name) for form in forms]
    assert {plain_path(path) for path in (name, *marked)} == {name}


def test_a_long_path_takes_linear_time() -> None:
    """A path of marks and blanks is read in one pass, also a long one."""
    assert plain_path("a* " * 1_000_000 + "a*").endswith("a")


@pytest.mark.parametrize(
    ("email", "name", "expected"),
    [
        ("Ada@Example.com ", "Ada", "ada@example.com"),
        (None, "Ada L. O'Hara_2-b", "adal.ohara_2-b@localhost"),
        (None, "", None),
        (None, None, None),
        ("", "Ada", None),
        (" ", "Ada", None),
        ("a" * 20, "Ada", "a" * 20),
        ("a" * 21, "Ada", None),
    ],
)
def test_author_address(email: str | None, name: str | None, expected: str | None) -> None:
    """An address is used in lower case; without one the name becomes local; a blank or too long one is none."""
    assert expected == author_email(email, name, 20)


@pytest.mark.parametrize("count", [0, 1, MAX_NOTES, MAX_NOTES + 1, MAX_NOTES + 7])
def test_notes_are_counted_beyond_their_limit(count: int) -> None:
    """The first notes are kept in full, and the number of the others follows."""
    notes = Notes()
    for number in range(count):
        notes.add(str(number))
    more = (f"and {count - MAX_NOTES} more",) if count > MAX_NOTES else ()
    assert notes.all() == (*map(str, range(min(count, MAX_NOTES))), *more)


@pytest.mark.parametrize(
    ("patch_set", "changes", "note"),
    [
        (None, [], None),
        ([], [], None),
        ("a.py", [], "commit a1: patch_set is not a list; the commit is kept without file changes"),
        ([{"path": "a.py", "type": "D"}, {"path": "a.py*", "type": "A"}], [("a.py", "D")], None),
        ([{"path": "x" * 10, "type": "A"}], [("x" * 10, "A")], None),
        ([{"path": "x" * 10 + "*", "type": "A"}], [("x" * 10, "A")], None),
        (
            [{"path": "y" * 50, "type": "A"}, {"path": "b", "type": "M"}],
            [("b", "M")],
            (
                f"commit a1: a file change was left out; its path '{'y' * 40}'... is longer than 10 characters "
                "(limits.path_length)"
            ),
        ),
        (
            [{"path": 5, "type": "A"}, {"path": "b", "type": "M"}],
            [("b", "M")],
            "commit a1: a file change without a usable path was left out",
        ),
        (
            [{"path": "\ud800", "type": "A"}],
            [],
            "commit a1: a file change without a usable path was left out",
        ),
        (
            [{"path": "b", "type": "R" * 30}],
            [("b", "M")],
            f"commit a1: 'b' has the change type '{'R' * 20}', which is not A, M or D; kept as M",
        ),
        ([{"path": "b"}], [("b", "M")], "commit a1: 'b' has the change type 'None', which is not A, M or D; kept as M"),
    ],
)
def test_file_changes(patch_set: Any, changes: list[tuple[str, str]], note: str | None) -> None:
    """The first change of a path counts; an odd one is kept or left out, with a note."""
    notes = Notes()
    found = file_changes("a1", patch_set, 10, notes)
    assert [(change.path, change.type) for change in found] == changes
    assert notes.all() == ((note,) if note else ())
