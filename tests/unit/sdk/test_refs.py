"""Names of refs."""

from typing import Any

import pytest

from loading import case_id, load_cases
from scmhost.sdk import RefKind, full_ref, looks_like_commit, ref_problem


@pytest.mark.parametrize("case", load_cases("refs"), ids=case_id)
def test_refuses_what_git_refuses(case: dict[str, Any]) -> None:
    """A name that git would not take is refused in words."""
    assert ref_problem(case["ref"])


@pytest.mark.parametrize("ref", ["main", "feature/a#b%20é", "v1.2.3", "a@b", "release-2024.05", "x" * 40, "a/b.c/d"])
def test_takes_what_git_takes(ref: str) -> None:
    """Names that git takes are fine, however they look in a URL."""
    assert ref_problem(ref) is None


@pytest.mark.parametrize(
    ("ref", "expected"),
    [
        ("a" * 40, True),
        ("A" * 64, True),
        ("a" * 39, False),
        ("a" * 41, False),
        ("g" * 40, False),
        ("a" * 40 + "\n", False),
    ],
)
def test_a_commit_is_all_digits(ref: str, expected: bool) -> None:
    """Only 40 or 64 hexadecimal digits are taken for a commit."""
    assert expected is looks_like_commit(ref)


@pytest.mark.parametrize(("kind", "expected"), [("branch", "refs/heads/x"), ("tag", "refs/tags/x"), ("commit", "x")])
def test_full_names(kind: RefKind, expected: str) -> None:
    """A branch and a tag of one name are told apart by their full names."""
    assert expected == full_ref("x", kind)
