"""The order in which matches are tried."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scmhost.mapping import (
    FileStatus,
    FrameInfo,
    MappingIndex,
    MappingMatch,
    Rule,
    Unmapped,
    map_frame,
    order_by_file_status,
)
from strategies import rule_lists, stack_paths

pytestmark = pytest.mark.thorough

standings = st.dictionaries(st.integers(0, 8), st.sampled_from(FileStatus))


def fitting(rules: list[Rule], path: str) -> tuple[MappingMatch, ...]:
    found = map_frame(MappingIndex(rules), FrameInfo(filename=path))
    return () if isinstance(found, Unmapped) else found


@given(rule_lists(), stack_paths(), standings)
def test_file_status_decides_among_equals(rules: list[Rule], path: str, known: dict[int, FileStatus]) -> None:
    """People's mappings come first; then listed files before unknown ones; then the order of rules."""
    found = fitting(rules, path)
    ordered = order_by_file_status(found, lambda mapped: known.get(mapped.rule.id, FileStatus.UNKNOWN))
    ranks = [
        (item.rule.generated, list(FileStatus).index(known.get(item.rule.id, FileStatus.UNKNOWN)), item.rule.rank)
        for item in ordered
    ]
    assert ranks == sorted(ranks)
    assert set(ordered) == set(found)


@given(rule_lists(), stack_paths())
def test_order_stays_without_commits(rules: list[Rule], path: str) -> None:
    """Without commits, the order of rules is the only one."""
    found = fitting(rules, path)
    assert order_by_file_status(found, lambda _: FileStatus.UNKNOWN) == found


@given(rule_lists(), stack_paths(), standings, st.randoms(use_true_random=False))
def test_order_is_total(rules: list[Rule], path: str, known: dict[int, FileStatus], random: Random) -> None:
    """The order of rows never matters."""
    shuffled = random.sample(rules, len(rules))

    def order(some: list[Rule]) -> tuple[MappingMatch, ...]:
        return order_by_file_status(fitting(some, path), lambda mapped: known.get(mapped.rule.id, FileStatus.UNKNOWN))

    assert order(rules) == order(shuffled)
