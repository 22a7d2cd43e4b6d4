"""The index gives the same matches as a walk over all rules."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scmhost.mapping import MappingIndex, Rule
from scmhost.mapping.index import MAX_COMPARISONS, MAX_FOLDER_LENGTH, MAX_FOLDER_RULES, MAX_FOLDERS, MAX_MATCHES
from strategies import SEGMENTS, hostile_text, rule_lists, stack_paths

pytestmark = pytest.mark.thorough


def walk(rules: Sequence[Rule], path: str) -> tuple[Rule, ...]:
    """The rules that match, by rank, without an index."""
    return tuple(sorted((rule for rule in rules if fits(rule.stack_root, path)), key=lambda rule: rule.rank))


def fits(stack_root: str, path: str) -> bool:
    """Whether a root is the start of a path, compared by segments instead of prefixes."""
    root, path = stack_root.replace("\\", "/"), path.replace("\\", "/")
    segments, inside = root.rstrip("/").split("/") if root else [], None
    if root.endswith("*"):
        *segments, inside = root[:-1].split("/")
    found = [*path.split("/"), ""]
    return (
        len(found) > len(segments)
        and all(is_like(pattern, segment) for pattern, segment in zip(segments, found, strict=False))
        and (not inside or begins(inside, found[len(segments)]))
    )


def begins(pattern: str, segment: str) -> bool:
    """Whether a segment begins with the tail of a root."""
    return re.match(".*".join(map(re.escape, pattern.split("*"))), segment, re.DOTALL) is not None


def is_like(pattern: str, segment: str) -> bool:
    """Whether a segment matches that of a root."""
    if "*" in pattern and segment in ("", ".", ".."):
        return False
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), segment, re.DOTALL) is not None


@given(rule_lists(), stack_paths())
def test_index_and_walk_agree(rules: list[Rule], path: str) -> None:
    """All rules that match are found, in order."""
    assert walk(rules, path) == MappingIndex(rules).candidates(path)


@given(rule_lists(), st.lists(stack_paths(), min_size=1))
def test_matches_are_candidates_with_their_paths(rules: list[Rule], paths: list[str]) -> None:
    """A match has the path that its rule gives, on the first call and on the next."""
    index = MappingIndex(rules)
    for path in paths + paths:
        assert [(rule, rule.source_path(path)) for rule in index.candidates(path)] == list(index.matches(path))


@given(rule_lists(), hostile_text)
def test_hostile_paths_match_like_others(rules: list[Rule], path: str) -> None:
    """Odd names and separators do not change the matches."""
    index = MappingIndex(rules)
    expected = [(rule, rule.source_path(path)) for rule in walk(rules, path)]
    assert expected == list(index.matches(path))


@given(rule_lists(), stack_paths(), st.randoms(use_true_random=False))
def test_order_does_not_depend_on_creation(rules: list[Rule], path: str, random: Random) -> None:
    """The same code mappings give the same order for every order of rows."""
    shuffled = random.sample(rules, len(rules))
    assert MappingIndex(rules).candidates(path) == MappingIndex(shuffled).candidates(path)


def test_length_counts_all_rules() -> None:
    """Two rules with one root are two rules."""
    assert len(MappingIndex([Rule(1, "a", ""), Rule(2, "a/", "")])) == 2


def test_folder_cache_is_bounded() -> None:
    """The cache is emptied when it is full, long folders are not kept, and matches stay right."""
    index = MappingIndex([Rule(1, "a", "b")])
    answers = {index.matches(f"a/{number}/x.py")[0][1] for number in range(MAX_FOLDERS + 2)}
    long_path = "a/" + "x" * MAX_FOLDER_LENGTH + "/x.py"
    assert index.matches(long_path) == index.matches(long_path)
    assert len(answers) == MAX_FOLDERS + 2
    assert len(index._folders) == 2


def test_folders_with_many_rules_are_not_cached() -> None:
    """Many roots above one folder are matched for each file; kept for each folder, they would fill the memory."""
    index = MappingIndex([Rule(number, "a/" * number, "b") for number in range(MAX_FOLDER_RULES + 1)])
    path = "a/" * (MAX_FOLDER_RULES + 1) + "x.py"
    assert len(index.matches(path)) == MAX_FOLDER_RULES + 1
    assert set(index._folders.values()) == {None}


@given(st.lists(st.sampled_from(SEGMENTS), min_size=1, max_size=4), st.lists(st.sampled_from(SEGMENTS), max_size=3))
def test_wildcard_matches_exactly_one_segment(before: list[str], between: list[str]) -> None:
    """A star matches neither no folder nor two, and never ``..``."""
    start = "/".join(["/srv", *before])
    matches = MappingIndex([Rule(1, f"{start}/*/current/", "src")]).matches("/".join([start, *between, "current/m.py"]))
    fits = len(between) == 1 and between[0] not in (".", "..")
    assert bool(matches) == fits
    assert not matches or matches[0][1] == "src/m.py"


@given(st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=12), st.integers(1, 12))
def test_deep_wildcards_match(folders: list[str], cut: int) -> None:
    """A root of wildcards takes as many folders as it has stars, on the first call and on the next."""
    rules = [Rule(number, "*/" * number, "x") for number in range(1, cut + 1)]
    index, path = MappingIndex(rules), "/".join([*folders, "m.py"])
    deepest = min(cut, len(folders) + 1)
    expected = ["/".join(["x", *folders[number:], "m.py"]) for number in range(min(deepest, len(folders)), 0, -1)]
    found = [source for _, source in index.matches(path) if source != "x"]
    assert found == expected
    assert [source for _, source in index.matches(path) if source != "x"] == expected


def test_cache_is_full_at_its_limit() -> None:
    """The last folder that fits is kept, and the next one empties the cache first."""
    index = MappingIndex([Rule(1, "a", "b")])
    for number in range(MAX_FOLDERS):
        index.matches(f"a/{number}/x.py")
    assert len(index._folders) == MAX_FOLDERS
    index.matches("a/next/x.py")
    assert list(index._folders) == ["a/next/"]


@pytest.mark.parametrize(("length", "kept"), [(MAX_FOLDER_LENGTH, 1), (MAX_FOLDER_LENGTH + 1, 0)])
def test_length_limit_of_cached_folders(length: int, kept: int) -> None:
    """A folder at the length limit is kept, and a longer one is not."""
    index = MappingIndex([Rule(1, "a", "b")])
    index.matches("a/" + "x" * (length - 3) + "/m.py")
    assert len(index._folders) == kept


def test_folder_with_the_most_rules_is_cached() -> None:
    """A folder with exactly as many rules as the limit is kept with its rules."""
    index = MappingIndex([Rule(number, "a/" * number, "b") for number in range(MAX_FOLDER_RULES)])
    index.matches("a/" * MAX_FOLDER_RULES + "x.py")
    assert [len(matches or ()) for matches in index._folders.values()] == [MAX_FOLDER_RULES]


@pytest.mark.parametrize(
    ("roots", "folder", "expected"),
    [
        (["a"], "a/b/", ["src/b/"]),
        (["a"], "a\\b/", ["src/b/"]),
        (["a"], "c/", []),
        (["a", "a/b"], "a/b/", ["src/", "src/b/"]),
        (["a/x.py"], "a/", None),
        (["a/b"], "a/", None),
        (["a/*/"], "a/b/", ["src/"]),
        (["a/*/"], "a/", None),
        (["a/*/", "a"], "a/b/", ["src/", "src/b/"]),
        (["a/*/c/"], "a/b/", None),
        (["a/*/c/"], "a/b/d/", []),
        (["a*"], "ab/", ["srcb/"]),
        (["a"], "a/../../", [None]),
        (["a"], "a/./b/", ["src/b/"]),
        (["a"], "a//b/", ["src/b/"]),
    ],
)
def test_folder_matches(roots: list[str], folder: str, expected: list[str | None] | None) -> None:
    """A folder's matches hold for all of its files; if a name can decide, there are none for the folder."""
    index = MappingIndex([Rule(number, root, "src") for number, root in enumerate(roots)])
    found = index._folders[folder]
    assert (None if found is None else [head for _, head in found]) == expected


def test_source_root_that_ends_inside_a_name_is_not_cached() -> None:
    """A source root that continues in the file's name is decided by the name."""
    index = MappingIndex([Rule(1, "a/*", "src/x")])
    assert index._folders["a/"] is None
    assert index.matches("a/y.py") == ((index.candidates("a/y.py")[0], "src/xy.py"),)


@pytest.mark.parametrize(
    ("path", "expected"), [("a/x.py", "src/x.py"), ("b/x.py", None), ("a/../../x.py", None), ("a/./x.py", "src/x.py")]
)
def test_source_path_of_a_rule(path: str, expected: str | None) -> None:
    """A rule gives a normalized path below the repository, or none."""
    assert Rule(1, "a", "src").source_path(path) == expected


WILDCARDS: list[tuple[str, Callable[[int], str], Callable[[int], str]]] = [
    ("literal after the star", lambda n: f"/srv/*/app{n}/", lambda n: f"/srv/r{n}/app{n}/a{n}/cart.py"),
    ("literal before the star", lambda n: f"/srv/app{n}-*/", lambda n: f"/srv/app{n}-v1/a{n}/cart.py"),
    ("literal in the segment's end", lambda n: f"/srv/*-app{n}/x/", lambda n: f"/srv/v1-app{n}/x/a{n}/cart.py"),
    ("literal between stars", lambda n: f"/srv/*-{n}-*/", lambda n: f"/srv/a-{n}-b/a{n}/cart.py"),
    ("few letters", lambda n: f"/srv/*{n:013b}*/", lambda n: f"/srv/{n:013b}{n:013b}/cart.py"),
    ("open end", lambda n: f"/srv/*/app{n}*", lambda n: f"/srv/v1/app{n}/a{n}/cart.py"),
    ("all the same", lambda _: "/srv/*/", lambda n: f"/srv/v{n}/a{n}/cart.py"),
    ("no star", lambda _: "/srv/", lambda n: f"/srv/v{n}/a{n}/cart.py"),
]


@pytest.mark.parametrize(("root", "path"), [row[1:] for row in WILDCARDS], ids=[row[0] for row in WILDCARDS])
def test_comparisons_for_a_path_are_bounded(
    root: Callable[[int], str], path: Callable[[int], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many rules a project has, a path is compared with and rewritten by a bounded number of them."""
    calls = Counter[str]()

    def count(name: str) -> None:
        original = getattr(Rule, name)

        def counted(rule: Rule, path: str) -> object:
            calls[name] += 1
            return original(rule, path)

        monkeypatch.setattr(Rule, name, counted)

    count("matched_length")
    count("source_path")
    number = 1500
    index = MappingIndex([Rule(n, root(n), f"src{n}") for n in range(number)])
    paths = [path(n) for n in range(100)]
    for given_path in paths:
        assert index.matches(given_path)
    assert calls["matched_length"] <= len(paths) * (2 * MAX_MATCHES + MAX_COMPARISONS)
    assert calls["source_path"] <= len(paths) * MAX_MATCHES
