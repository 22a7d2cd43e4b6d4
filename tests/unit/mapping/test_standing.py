"""Which of the mappings that fit is used."""

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
def test_the_known_file_decides_among_equals(rules: list[Rule], path: str, told: dict[int, Standing]) -> None:
    """People's mappings first; of those, files that are there, then unknown ones; else the order of mappings."""
    found = fitting(rules, path)
    ordered = by_standing(found, lambda mapped: told.get(mapped.rule.id, Standing.UNKNOWN))
    places = [
        (item.rule.generated, list(Standing).index(told.get(item.rule.id, Standing.UNKNOWN)), item.rule.rank)
        for item in ordered
    ]
    assert places == sorted(places)
    assert set(ordered) == set(found)


@given(rule_lists(), stack_paths())
def test_where_nothing_is_known_nothing_changes(rules: list[Rule], path: str) -> None:
    """Without commits the order of mappings is the whole rule."""
    found = fitting(rules, path)
    assert by_standing(found, lambda _: Standing.UNKNOWN) == found


@given(rule_lists(), stack_paths(), standings, st.randoms(use_true_random=False))
def test_the_order_is_total(rules: list[Rule], path: str, told: dict[int, Standing], random: Random) -> None:
    """When a mapping was made and how the mappings are read never matters."""
    shuffled = random.sample(rules, len(rules))

    def order(some: list[Rule]) -> tuple[Mapped, ...]:
        return by_standing(fitting(some, path), lambda mapped: told.get(mapped.rule.id, Standing.UNKNOWN))

    assert order(rules) == order(shuffled)
