"""The index gives what walking all rules would give."""

import re
from collections.abc import Sequence
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from scmhost.mapping import MappingIndex, Rule
from scmhost.mapping.folders import LONGEST_REMEMBERED, MOST_REMEMBERED, MOST_WAYS
from strategies import SEGMENTS, hostile_text, rule_lists, stack_paths


def walk(rules: Sequence[Rule], path: str) -> tuple[Rule, ...]:
    """What a person would do: look at each rule, then put those that fit in order."""
    return tuple(sorted((rule for rule in rules if fits(rule.stack_root, path)), key=lambda rule: rule.rank))


def fits(stack_root: str, path: str) -> bool:
    """Whether a root is the start of a path, said in segments rather than in prefixes."""
    root, path = stack_root.replace("\\", "/"), path.replace("\\", "/")
    segments, inside = root.rstrip("/").split("/") if root else [], None
    if root.endswith("*"):
        *segments, inside = root[:-1].split("/")
    found = [*path.split("/"), ""]
    return (
        len(found) > len(segments)
        and all(is_like(want, have) for want, have in zip(segments, found, strict=False))
        and (not inside or begins(inside, found[len(segments)]))
    )


def begins(want: str, have: str) -> bool:
    """Whether a segment begins like the one that a root ends in."""
    return re.match(".*".join(map(re.escape, want.split("*"))), have, re.DOTALL) is not None


def is_like(want: str, have: str) -> bool:
    """Whether a segment is what a root has in its place."""
    if "*" in want and have in ("", ".", ".."):
        return False
    return re.fullmatch(".*".join(map(re.escape, want.split("*"))), have, re.DOTALL) is not None


@given(rule_lists(), stack_paths())
def test_index_and_walk_agree(rules: list[Rule], path: str) -> None:
    """All rules that match are found, in order."""
    assert walk(rules, path) == MappingIndex(rules).candidates(path)


@given(rule_lists(), st.lists(stack_paths(), min_size=1))
def test_matches_are_the_candidates_with_their_paths(rules: list[Rule], paths: list[str]) -> None:
    """A match's path is its rule's answer, asked once or again."""
    index = MappingIndex(rules)
    for path in paths + paths:
        assert [(rule, rule.source_path(path)) for rule in index.candidates(path)] == list(index.matches(path))


@given(rule_lists(), hostile_text)
def test_hostile_paths_match_like_others(rules: list[Rule], path: str) -> None:
    """Odd names and separators change nothing about what matches."""
    index = MappingIndex(rules)
    expected = [(rule, rule.source_path(path)) for rule in walk(rules, path)]
    assert expected == list(index.matches(path))


@given(rule_lists(), stack_paths(), st.randoms(use_true_random=False))
def test_order_does_not_depend_on_creation(rules: list[Rule], path: str, random: Random) -> None:
    """The same code mappings give the same order, in whatever order they are read."""
    shuffled = random.sample(rules, len(rules))
    assert MappingIndex(rules).candidates(path) == MappingIndex(shuffled).candidates(path)


def test_length_counts_all_rules() -> None:
    """Two rules with one root are two rules."""
    assert len(MappingIndex([Rule(1, "a", ""), Rule(2, "a/", "")])) == 2


def test_what_is_remembered_is_bounded() -> None:
    """Neither many folders nor long ones fill the memory, and answers stay right."""
    index = MappingIndex([Rule(1, "a", "b")])
    answers = {index.matches(f"a/{number}/x.py")[0][1] for number in range(MOST_REMEMBERED + 2)}
    long_path = "a/" + "x" * LONGEST_REMEMBERED + "/x.py"
    assert index.matches(long_path) == index.matches(long_path)
    assert len(answers) == MOST_REMEMBERED + 2
    assert len(index._folders) == 2


def test_deeply_nested_roots_are_not_multiplied_by_folders() -> None:
    """Many roots above one folder are found again for each file, rather than kept for each folder."""
    index = MappingIndex([Rule(number, "a/" * number, "b") for number in range(MOST_WAYS + 1)])
    path = "a/" * (MOST_WAYS + 1) + "x.py"
    assert len(index.matches(path)) == MOST_WAYS + 1
    assert set(index._folders.values()) == {None}


@given(st.lists(st.sampled_from(SEGMENTS), min_size=1, max_size=4), st.lists(st.sampled_from(SEGMENTS), max_size=3))
def test_a_wildcard_is_exactly_one_segment(before: list[str], between: list[str]) -> None:
    """Neither nothing nor two folders stand where a star does, and never the folder above."""
    start = "/".join(["/srv", *before])
    matches = MappingIndex([Rule(1, f"{start}/*/current/", "src")]).matches("/".join([start, *between, "current/m.py"]))
    fits = len(between) == 1 and between[0] not in (".", "..")
    assert bool(matches) == fits
    assert not matches or matches[0][1] == "src/m.py"


@given(st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=12), st.integers(1, 12))
def test_deep_wildcards_are_found(folders: list[str], cut: int) -> None:
    """A root of wildcards takes as many folders as it has stars, whatever else is asked of the index before."""
    rules = [Rule(number, "*/" * number, "x") for number in range(1, cut + 1)]
    index, path = MappingIndex(rules), "/".join([*folders, "m.py"])
    deepest = min(cut, len(folders) + 1)
    expected = ["/".join(["x", *folders[number:], "m.py"]) for number in range(min(deepest, len(folders)), 0, -1)]
    found = [source for _, source in index.matches(path) if source != "x"]
    assert found == expected
    assert [source for _, source in index.matches(path) if source != "x"] == expected
