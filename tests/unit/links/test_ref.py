"""Which ref a link is made for."""

import pytest

from scmhost.links.values import ChosenRef, choose_ref

SHA = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("frame_commit", "release_commit", "default_branch", "expected"),
    [
        ("c1", "c2", "main", ChosenRef("c1", "commit", "frame")),
        (None, "c2c2c2c", "main", ChosenRef("c2c2c2c", "commit", "release")),
        (None, "abc123", "main", ChosenRef("abc123", "commit", "release")),
        (None, "feed", "main", ChosenRef("feed", "branch", "release")),
        (None, "4711", "main", ChosenRef("4711", "commit", "release")),
        (None, "v1.2", "main", ChosenRef("v1.2", "tag", "release")),
        (None, "app@1.2.0-rc.1", "main", ChosenRef("app@1.2.0-rc.1", "tag", "release")),
        (None, "trunk", "trunk", ChosenRef("trunk", "branch", "release")),
        (None, "stable", "main", ChosenRef("stable", "branch", "release")),
        (None, "HEAD", "main", ChosenRef("main", "branch", "default_branch")),
        ("", "", "main", ChosenRef("main", "branch", "default_branch")),
        ("a b", "c" * 7, "main", ChosenRef("c" * 7, "commit", "release")),
        ("-x", "..", "main", ChosenRef("main", "branch", "default_branch")),
        ("c" * 65, None, "main", ChosenRef("main", "branch", "default_branch")),
        (None, None, "feature/x", ChosenRef("feature/x", "branch", "default_branch")),
        (None, None, SHA, ChosenRef(SHA, "commit", "default_branch")),
        (None, None, "b" * 256, None),
        (None, None, "b" * 255, ChosenRef("b" * 255, "branch", "default_branch")),
        ("c" * 64, None, "main", ChosenRef("c" * 64, "commit", "frame")),
        (None, "c" * 65, "main", ChosenRef("main", "branch", "default_branch")),
        (None, "abc1", "main", ChosenRef("abc1", "commit", "release")),
        (None, "ab1", "main", ChosenRef("ab1", "branch", "release")),
        (None, "ABC123", "main", ChosenRef("ABC123", "commit", "release")),
        (None, "V1.2", "main", ChosenRef("V1.2", "tag", "release")),
        (None, None, "a..b", None),
        (None, None, None, None),
    ],
)
def test_first_usable_ref_is_chosen(
    frame_commit: str | None, release_commit: str | None, default_branch: str | None, expected: ChosenRef | None
) -> None:
    """The frame's commit comes before the release's, and that before the default branch; odd names are skipped."""
    assert expected == choose_ref(frame_commit, release_commit, default_branch)


@pytest.mark.parametrize(
    ("default_branch", "newest_commit", "expected"),
    [
        ("main", SHA, ChosenRef("main", "branch", "default_branch")),
        (None, SHA, ChosenRef(SHA, "commit", "newest_commit")),
        ("a..b", SHA, ChosenRef(SHA, "commit", "newest_commit")),
        (None, "HEAD", None),
    ],
)
def test_newest_commit_of_a_file_comes_last(
    default_branch: str | None, newest_commit: str, expected: ChosenRef | None
) -> None:
    """Without any other ref, the newest commit that named the file is used."""
    assert expected == choose_ref(None, None, default_branch, newest_commit)
