"""The confidence of a link."""

from itertools import product
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scmhost.links.values import ChosenRef, FileBasis, LinkBasis, RefBasis, file_basis, ref_basis
from scmhost.mapping import FileStatus
from scmhost.sdk import Existence
from scmhost.sdk.reasons import Confidence

MOST_CONFIDENT_FIRST = ["high", "medium", "low"]
# From the most to the least certain; a derived mapping with its own confidence.
FILES = ["verified", "listed", "unknown", "deleted"]
MAPPINGS = [("person", None), ("derived", "high"), ("derived", "medium"), ("derived", "low")]
REFS = ["exact", "branch", "newest_commit"]

parts = st.tuples(*(st.integers(0, len(kinds) - 1) for kinds in (FILES, MAPPINGS, REFS)))


def basis(file: int, mapping: int, ref: int) -> LinkBasis:
    who, derivation = MAPPINGS[mapping]
    return LinkBasis(FILES[file], who, REFS[ref], derivation)  # type: ignore[arg-type]


def test_every_word_is_tested_here() -> None:
    """Each value of the closed lists is weighed in this file."""
    assert (set(get_args(FileBasis)), set(get_args(RefBasis))) == (set(FILES), set(REFS))
    assert list(get_args(Confidence)) == MOST_CONFIDENT_FIRST


@pytest.mark.parametrize(
    ("facts", "confidence"),
    [
        (LinkBasis("verified", "person", "exact"), "high"),
        (LinkBasis("listed", "person", "exact"), "high"),
        (LinkBasis("listed", "person", "branch"), "medium"),
        (LinkBasis("unknown", "person", "exact"), "medium"),
        (LinkBasis("deleted", "person", "exact"), "low"),
        (LinkBasis("listed", "derived", "exact", "high"), "medium"),
        (LinkBasis("listed", "derived", "newest_commit", "medium"), "medium"),
        (LinkBasis("verified", "derived", "exact", "low"), "low"),
        (LinkBasis("listed", "derived", "exact"), "low"),
        (LinkBasis("unknown", "derived", "exact", "high"), "low"),
    ],
)
def test_confidence_is_that_of_the_least_certain_part(facts: LinkBasis, confidence: Confidence) -> None:
    """A person's mapping, an existing file and an exact commit make it high; a guess makes it low."""
    assert facts.confidence == confidence


@given(parts, parts)
def test_more_certain_parts_never_lower_the_confidence(one: tuple[int, int, int], other: tuple[int, int, int]) -> None:
    """If no part is less certain, neither is the link."""
    better = tuple(map(min, one, other))
    worse = tuple(map(max, one, other))
    assert MOST_CONFIDENT_FIRST.index(basis(*better).confidence) <= MOST_CONFIDENT_FIRST.index(basis(*worse).confidence)


def test_derived_mappings_never_give_high_confidence() -> None:
    """Only mappings of people give high confidence."""
    derived = [basis(*part) for part in product(range(4), range(1, 4), range(3))]
    assert "high" not in {facts.confidence for facts in derived}


@pytest.mark.parametrize(
    ("ref", "expected"),
    [
        (ChosenRef("c1", "commit", "frame"), "exact"),
        (ChosenRef("v1", "tag", "release"), "exact"),
        (ChosenRef("trunk", "branch", "release"), "branch"),
        (ChosenRef("main", "branch", "default_branch"), "branch"),
        (ChosenRef("a" * 40, "commit", "default_branch"), "branch"),
        (ChosenRef("a" * 40, "commit", "newest_commit"), "newest_commit"),
    ],
)
def test_only_refs_of_the_trace_are_exact(ref: ChosenRef, expected: RefBasis) -> None:
    """A branch changes later, and a default is the same for all traces."""
    assert ref_basis(ref) == expected


def test_code_host_decides_before_commits() -> None:
    """A file that the host has is verified; otherwise the known commits decide."""
    assert file_basis(Existence.YES, FileStatus.DELETED) == "verified"
    assert file_basis(Existence.UNKNOWN, FileStatus.LISTED) == "listed"
