"""Which ref a link is made for."""

import pytest

from scmhost.links import ChosenRef, choose_ref

SHA = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("frame_commit", "release_commit", "default_branch", "expected"),
    [
        ("c1", "c2", "main", ChosenRef("c1", "commit", "frame")),
        (None, "c2", "main", ChosenRef("c2", "commit", "release")),
        ("", "", "main", ChosenRef("main", "branch", "default_branch")),
        ("a b", "c2", "main", ChosenRef("c2", "commit", "release")),
        ("-x", "..", "main", ChosenRef("main", "branch", "default_branch")),
        ("c" * 65, None, "main", ChosenRef("main", "branch", "default_branch")),
        (None, None, "feature/x", ChosenRef("feature/x", "branch", "default_branch")),
        (None, None, SHA, ChosenRef(SHA, "commit", "default_branch")),
        (None, None, "b" * 256, None),
        (None, None, "a..b", None),
        (None, None, None, None),
    ],
)
def test_ref_is_the_nearest_to_what_ran(
    frame_commit: str | None, release_commit: str | None, default_branch: str | None, expected: ChosenRef | None
) -> None:
    """The process's own commit goes before the release's, and that before the default branch; odd names are skipped."""
    assert expected == choose_ref(frame_commit, release_commit, default_branch)
