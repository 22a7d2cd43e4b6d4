"""Rules for the names of refs."""

from typing import Any

import pytest

from loading import case_id, load_cases
from scmhost.sdk import RefKind, full_ref, looks_like_commit, ref_problem


@pytest.mark.parametrize("case", load_cases("refs"), ids=case_id)
def test_refuses_what_git_refuses(case: dict[str, Any]) -> None:
    """For a name that git refuses, there is a reason."""
    assert ref_problem(case["ref"])


@pytest.mark.parametrize("ref", ["main", "feature/a#b%20é", "v1.2.3", "a@b", "release-2024.05", "x" * 40, "a/b.c/d"])
def test_accepts_what_git_accepts(ref: str) -> None:
    """Names that git accepts are valid, even with characters that URLs must escape."""
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
def test_commits_are_recognised(ref: str, expected: bool) -> None:
    """Only 40 or 64 hexadecimal digits are a commit."""
    assert expected is looks_like_commit(ref)


@pytest.mark.parametrize(("kind", "expected"), [("branch", "refs/heads/x"), ("tag", "refs/tags/x"), ("commit", "x")])
def test_full_names(kind: RefKind, expected: str) -> None:
    """A branch and a tag of the same name have different full names."""
    assert expected == full_ref("x", kind)
