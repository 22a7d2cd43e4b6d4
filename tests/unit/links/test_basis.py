"""How sure a link is."""

from itertools import product
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scmhost.links import Basis, ChosenRef, FileBasis, RefBasis, file_basis, ref_basis
from scmhost.sdk import Existence
from scmhost.sdk.reasons import Confidence

SUREST = ["high", "medium", "low"]
# From the surest to the least sure; a derived mapping with how sure it is in itself.
FILES = ["verified", "listed", "unknown", "deleted"]
MAPPINGS = [("person", None), ("derived", "high"), ("derived", "medium"), ("derived", "low")]
REFS = ["exact", "branch", "newest_commit"]

places = st.tuples(*(st.integers(0, len(kinds) - 1) for kinds in (FILES, MAPPINGS, REFS)))


def basis(file: int, mapping: int, ref: int) -> Basis:
    who, derivation = MAPPINGS[mapping]
    return Basis(FILES[file], who, REFS[ref], derivation)  # type: ignore[arg-type]


def test_the_words_are_all_there_are() -> None:
    """The lists are closed: each word of them is weighed here."""
    assert (set(get_args(FileBasis)), set(get_args(RefBasis))) == (set(FILES), set(REFS))
    assert list(get_args(Confidence)) == SUREST


@pytest.mark.parametrize(
    ("told", "confidence"),
    [
        (Basis("verified", "person", "exact"), "high"),
        (Basis("listed", "person", "exact"), "high"),
        (Basis("listed", "person", "branch"), "medium"),
        (Basis("unknown", "person", "exact"), "medium"),
        (Basis("deleted", "person", "exact"), "low"),
        (Basis("listed", "derived", "exact", "high"), "medium"),
        (Basis("listed", "derived", "newest_commit", "medium"), "medium"),
        (Basis("verified", "derived", "exact", "low"), "low"),
        (Basis("listed", "derived", "exact"), "low"),
        (Basis("unknown", "derived", "exact", "high"), "low"),
    ],
)
def test_a_link_is_as_sure_as_its_least_sure_part(told: Basis, confidence: Confidence) -> None:
    """A person's mapping, a file that is there and the very commit make it high; a guess makes it low."""
    assert told.confidence == confidence


@given(places, places)
def test_to_know_more_never_makes_less_sure(one: tuple[int, int, int], other: tuple[int, int, int]) -> None:
    """Where no part is less sure, the link is not."""
    better = tuple(map(min, one, other))
    worse = tuple(map(max, one, other))
    assert SUREST.index(basis(*better).confidence) <= SUREST.index(basis(*worse).confidence)


def test_what_is_derived_is_never_as_sure_as_what_a_person_said() -> None:
    """High is for mappings that people made."""
    derived = [basis(*place) for place in product(range(4), range(1, 4), range(3))]
    assert "high" not in {told.confidence for told in derived}


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
def test_a_ref_is_exact_if_it_is_what_ran(ref: ChosenRef, expected: RefBasis) -> None:
    """A branch moves on, and a default is what everyone gets."""
    assert ref_basis(ref) == expected


def test_the_code_host_knows_best() -> None:
    """What it has is verified, whatever the commits say; else they are believed."""
    assert file_basis(Existence.YES, "deleted") == "verified"
    assert file_basis(Existence.UNKNOWN, "listed") == "listed"
