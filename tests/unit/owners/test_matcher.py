"""The cost of many rules, many paths and hostile patterns, in steps that are counted."""

import sys
from collections.abc import Callable

import pytest

from scmhost.owners import CodeOwners, OwnersDialect, matcher
from scmhost.owners.globs import github_glob


def steps(call: Callable[[], object]) -> int:
    """Return how many function calls a call makes."""
    count = 0

    def profile(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(profile)
    try:
        call()
    finally:
        sys.setprofile(None)
    return count


def cost(dialect: OwnersDialect, text: str, path: str) -> int:
    owners = CodeOwners(dialect, text)
    return steps(lambda: owners.owners_of(path))


@pytest.mark.parametrize("dialect", [OwnersDialect.GITHUB, OwnersDialect.GITLAB])
@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        (lambda n: "*a" * n + "b", lambda n: "a" * 2 * n),
        (lambda n: "**/" * n + "b", lambda n: "a/" * 2 * n + "c"),
        (lambda n: "**/a/" * n + "b", lambda n: "a/" * 2 * n + "c"),
        (lambda n: "**/*/a/" * n + "b", lambda n: "a/" * 2 * n + "c"),
        (lambda n: "\n".join(f"*a*{i}* @x" for i in range(n)), lambda _: "a" * 100),
        (lambda n: "\n".join(f"**/a/**/b{i}/ @x" for i in range(n)), lambda _: "a/b/" * 20),
        (lambda _: "**/a/**/b/**/c", lambda n: "a/b/" * n),
    ],
    ids=["stars", "folders", "folders and names", "folders and stars", "rules", "rules and folders", "path"],
)
def test_cost_is_linear_in_hostile_patterns(
    dialect: OwnersDialect, pattern: Callable[[int], str], path: Callable[[int], str]
) -> None:
    """Twice the pattern and twice the path take at most about twice the steps."""
    small, large = (cost(dialect, f"{pattern(n)} @x", path(n)) for n in (40, 80))
    assert large <= 2.3 * small + 20


def test_sections_are_read_in_linear_time() -> None:
    """Twice the sections take at most about twice the steps, though each name is compared with all before it."""
    small, large = (
        steps(lambda n=n: CodeOwners(OwnersDialect.GITLAB, "".join(f"[s{i}]\n* @a\n" for i in range(n))))  # type: ignore[misc]
        for n in (200, 400)
    )
    assert large <= 2.3 * small


def test_equal_patterns_are_decided_once() -> None:
    """A file may repeat one pattern half a million times: no path compares the rules again."""
    sizes: list[int] = []

    def last(rules: frozenset[int]) -> frozenset[int]:
        sizes.append(len(rules))
        return frozenset(sorted(rules)[-1:])

    rules = [(number, github_glob("/a/")) for number in range(1_000)]
    found = matcher.GlobMatcher(rules, last, frozenset)
    sizes.clear()
    assert found.answers(["a/b", "a/c/d"]) == [frozenset({999})] * 2
    assert max(sizes) <= 2


def test_more_rules_do_not_slow_a_path_down() -> None:
    """A path of a known folder costs the same with ten times the rules."""

    def rules(count: int) -> str:
        kinds = ("/a/b{} @x", "*.e{} @x", "test{}_*.py @x", "/lib{}/**/*.ts @x", "n{} @x", "*_{}.go @x")
        return "* @all\n" + "\n".join(kinds[i % len(kinds)].format(i) for i in range(count))

    paths = [f"src/x/f{i}.{kind}" for i in range(50) for kind in ("py", "ts", "e7", "c")]
    found = []
    for count in (60, 600):
        owners = CodeOwners(OwnersDialect.GITHUB, rules(count))
        owners.owners_of_all(["src/x/warm.py", "src/x/warm.ts", "src/x/warm.e7", "src/x/warm.c"])
        found.append(steps(lambda owners=owners: owners.owners_of_all(paths)))  # type: ignore[misc]
    assert found[1] <= found[0] * 1.2


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """When too much is remembered, all of it is forgotten, and the answers stay the same."""
    monkeypatch.setattr(matcher, "MAX_REMEMBERED", 10)
    owners = CodeOwners(OwnersDialect.GITHUB, "* @all\n/a*/ @a\nb?c @b\n*.py @py\n")
    paths = [f"{folder}{i}/x/{name}" for i in range(40) for folder in "ac" for name in ("bxc", "y.py", "z", "b1c/q")]
    answers = [owners.owners_of(path)[0].owners[0] for path in paths]
    assert answers == ["@b", "@py", "@a", "@b", "@b", "@py", "@all", "@b"] * 40


def test_equal_answers_are_one_object() -> None:
    """Callers may keep what they make of an answer by its identity."""
    owners = CodeOwners(OwnersDialect.GITLAB, "* @a\n[S]\n*.md @b\n")
    first, second, third = owners.owners_of_all(["a.md", "x/y.md", "z"])
    assert first is second
    assert first is not third
