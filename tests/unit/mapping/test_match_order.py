"""The order in which matches are tried."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from scmhost.mapping import FrameInfo, Mapped, MappingIndex, Rule, Standing, Unmapped, by_standing, map_frame
from strategies import rule_lists, stack_paths

standings = st.dictionaries(st.integers(0, 8), st.sampled_from(Standing))


def fitting(rules: list[Rule], path: str) -> tuple[Mapped, ...]:
    found = map_frame(MappingIndex(rules), FrameInfo(filename=path))
    return () if isinstance(found, Unmapped) else found


@given(rule_lists(), stack_paths(), standings)
def test_file_status_decides_among_equals(rules: list[Rule], path: str, known: dict[int, Standing]) -> None:
    """People's mappings come first; then listed files before unknown ones; then the order of rules."""
    found = fitting(rules, path)
    ordered = by_standing(found, lambda mapped: known.get(mapped.rule.id, Standing.UNKNOWN))
    ranks = [
        (item.rule.generated, list(Standing).index(known.get(item.rule.id, Standing.UNKNOWN)), item.rule.rank)
        for item in ordered
    ]
    assert ranks == sorted(ranks)
    assert set(ordered) == set(found)


@given(rule_lists(), stack_paths())
def test_order_stays_without_commits(rules: list[Rule], path: str) -> None:
    """Without commits, the order of rules is the only one."""
    found = fitting(rules, path)
    assert by_standing(found, lambda _: Standing.UNKNOWN) == found


@given(rule_lists(), stack_paths(), standings, st.randoms(use_true_random=False))
def test_order_is_total(rules: list[Rule], path: str, known: dict[int, Standing], random: Random) -> None:
    """The order of rows never matters."""
    shuffled = random.sample(rules, len(rules))

    def order(some: list[Rule]) -> tuple[Mapped, ...]:
        return by_standing(fitting(some, path), lambda mapped: known.get(mapped.rule.id, Standing.UNKNOWN))

    assert order(rules) == order(shuffled)
