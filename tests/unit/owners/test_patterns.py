"""Which paths a pattern owns, in each dialect."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loading import case_id, load_cases
from scmhost.owners import CodeOwners, OwnersDialect
from scmhost.owners.expressions import expression_globs
from scmhost.owners.globs import DEEP

CASES = [
    {**case, "dialect": dialect, "id": f"{dialect}: {case['pattern']}"}
    for case in load_cases("owners/patterns")
    for dialect in case["dialects"]
]


def owns(dialect: str, pattern: str, path: str) -> bool:
    """Return whether the only rule of a file gives a path an owner."""
    (found,) = CodeOwners(OwnersDialect(dialect), f"{pattern} @owner").owners_of(path)
    return found.owners == ("@owner",)


@pytest.mark.parametrize("case", CASES, ids=case_id)
def test_pattern_owns_paths(case: dict[str, Any]) -> None:
    """A pattern owns the listed paths, and no other one."""
    found = {path for path in (*case["owns"], *case["leaves"]) if owns(case["dialect"], case["pattern"], path)}
    assert found == set(case["owns"])


def matches_ruby(pattern: list[str], path: list[str]) -> bool:
    """Return whether segments match as in Ruby's ``File.fnmatch`` with FNM_PATHNAME and FNM_DOTMATCH."""
    if not pattern or not path:
        return not pattern and not path
    first, *rest = pattern
    if first == "**" and rest:
        return matches_ruby(rest, path) or matches_ruby(pattern, path[1:])
    expression = "".join({"*": ".*", "?": "."}.get(character, re.escape(character)) for character in first)
    return re.fullmatch(expression, path[0]) is not None and matches_ruby(rest, path[1:])


def matches_github(pattern: str, path: list[str]) -> bool:
    """Return whether a pattern without escapes matches, by trying every part of the path as its end."""
    parts = pattern.split("/")
    if "/" not in pattern[:-1]:
        parts = ["**", *parts]
    elif not parts[0]:
        parts = parts[1:]
    is_below = parts[-1] in ("", "**")
    is_here = parts[-1] == "*"
    while parts and parts[-1] in ("", "**"):
        parts.pop()
    ends = range(len(path)) if is_below else [len(path)] if is_here else range(len(path) + 1)
    return any(matches_ruby(parts, path[:end]) for end in ends)


segments = st.sampled_from(
    ["a", "b", "ab", "**", "*", "a*", "*b", "a?", "?", "a*b", "*.b", "a*.b", "*.a.b", "*.", "*b?", "?a*"]
)
slashes = st.sampled_from(["", "/"])
patterns = st.tuples(slashes, st.lists(segments, min_size=1, max_size=4), slashes).map(
    lambda parts: parts[0] + "/".join(parts[1]) + parts[2]
)
paths = st.lists(st.text("ab.", min_size=1, max_size=3), min_size=1, max_size=5).map("/".join)


def normalized(pattern: str) -> str:
    """Return a pattern as GitLab completes it: two patterns with one result are one rule."""
    text = "/**/*" if pattern == "*" else pattern if pattern.startswith("/") else f"/**/{pattern}"
    return f"{text}**/*" if text.endswith("/") else text


@given(patterns, st.lists(paths, min_size=1, max_size=5))
def test_patterns_of_gitlab_match_as_in_ruby(pattern: str, some: list[str]) -> None:
    """All wildcards in all positions, against an implementation that tries everything."""
    expected = [matches_ruby(normalized(pattern)[1:].split("/"), path.split("/")) for path in some]
    assert [owns("gitlab", pattern, path) for path in some] == expected


@given(patterns, st.lists(paths, min_size=1, max_size=5))
def test_patterns_of_github_match_as_in_gitignore(pattern: str, some: list[str]) -> None:
    """All wildcards in all positions, against an implementation that tries everything."""
    expected = [matches_github(pattern, path.split("/")) for path in some]
    assert [owns("github", pattern, path) for path in some] == expected


@given(st.lists(patterns, min_size=1, max_size=12), st.lists(paths, min_size=1, max_size=8))
def test_many_rules_match_as_each_alone(rules: list[str], some: list[str]) -> None:
    """The last rule that matches alone decides in a file of many rules."""
    for dialect, key in ((OwnersDialect.GITHUB, str), (OwnersDialect.GITLAB, normalized)):
        text = "\n".join(f"{pattern} @{number}" for number, pattern in enumerate(rules))
        keys = [key(pattern) for pattern in rules]
        # In GitLab, a rule that is written again keeps its first place.
        kept = list(dict.fromkeys(keys)) if dialect is OwnersDialect.GITLAB else keys
        together = CodeOwners(dialect, text)
        for path in some:
            alone = [pattern for pattern in kept if owns(dialect, pattern, path)]
            last = max(number for number, one in enumerate(keys) if one == alone[-1]) if alone else None
            (found,) = together.owners_of(path)
            assert found.owners == (() if last is None else (f"@{last}",)), (dialect, path)


PARTS_OF_EXPRESSIONS = r"""
    a b / . .* .+ .? .*? [^/]* [^/]+ [^/] (a|bb) (a/b|) (.*/)? \\. a? /? a* b+ (ab)+ a|b (a|b/)* (?:a|(b/|.a)?)
    (a.*|b) [ab] [^a] [.-0] [a-b]+ [^/b]* [.-b]+ \\w \\w+ \\W ([ab]|a{2}) a{2} (?i)A (.|a)(.|b)(.|a) (a|^b) b$ ()
"""
parts_of_expressions = st.sampled_from(PARTS_OF_EXPRESSIONS.split())
dotted_paths = st.lists(st.text("ab.", min_size=1, max_size=3), min_size=1, max_size=4).map("/".join)


@given(st.lists(parts_of_expressions, min_size=1, max_size=6).map("".join), st.lists(dotted_paths, min_size=1))
def test_expressions_of_gitea_match_as_in_go(expression: str, some: list[str]) -> None:
    """The globs of an expression, and its trial, find the same paths as the expression itself."""
    re2 = pytest.importorskip("re2")
    compiled = re2.compile(f"^{expression.replace(chr(92) * 2, chr(92))}$")
    assert [owns("gitea", expression, path) for path in some] == [compiled.search(path) is not None for path in some]


@pytest.mark.parametrize(
    ("expression", "exact", "globs"),
    [
        ("docs/.*", True, 1),
        (r".*\.go", True, 1),
        (r"(.*/)?test_[^/]*\.py", True, 1),
        (r"web/.*\.(tsx?|jsx?)", True, 4),
        ("v[0-9]/(a|b)?", True, 3),
        ("v[0-9]+/.*", False, 1),
        ("(a/)*b", False, 2),
        ("(?i)docs/.*", False, 1),
        ("a|b", False, 1),
        ("(a|b|c|d)(a|b|c|d)(a|b|c|d)", False, 8),
    ],
)
def test_expression_becomes_globs(expression: str, *, exact: bool, globs: int) -> None:
    """Common forms become exact globs, and the others those of a part of the expression."""
    found = expression_globs(f"^{expression}$")
    assert (found.exact, len(found.globs)) == (exact, globs)


def test_at_least_one_folder_is_looked_for_at_the_start() -> None:
    """An unescaped dot may be a slash. Looked for at the end, every folder of a path would be compared."""
    found = expression_globs("^.*.go$")
    assert found.exact
    assert [glob.segments.index(DEEP) for glob in found.globs] == [0, 1]
    assert found.globs[1].segments[2] == "go"
