"""CODEOWNERS of GitHub, and of Bitbucket with its groups and directives."""

import re
from typing import Final

from .globs import MAX_SEGMENTS, TOO_DEEP, PathGlob, github_glob
from .values import OwnersRule, SyntaxProblem

MAX_BYTES: Final = 3_000_000
"""GitHub ignores larger files."""

_GITHUB_OWNER: Final = re.compile(r"@[A-Za-z0-9_-]+(/[A-Za-z0-9._-]+)?|[^@\s]+@[^@\s]+", re.ASCII)
# `@name`, `@workspace/group:random(2)`, `@@group`, an address.
_BITBUCKET_OWNER: Final = re.compile(r"@{1,2}[^@\s]+|[^@\s]+@[^@\s]+")
# Definitions of groups, settings and merge checks; no rules.
_BITBUCKET_OTHER: Final = re.compile(r"@@@|CODEOWNERS\.\w|(Overall)?Check\(")
_PATTERN: Final = re.compile(r"(?:[^\s\\]|\\.)*\\?", re.DOTALL)

Parsed = tuple[list[tuple[OwnersRule, PathGlob]], list[SyntaxProblem]]
"""The rules that apply, each with its pattern, and the problems, both in the order of lines."""


def parse_github(lines: list[str]) -> Parsed:
    """Return the rules and problems of a file of GitHub."""
    return _parse(lines, _GITHUB_OWNER, "a user (@name), a team (@organization/team) or an e-mail address")


def parse_bitbucket(lines: list[str]) -> Parsed:
    """Return the rules and problems of a file of Bitbucket."""
    rows = ["" if _BITBUCKET_OTHER.match(line.lstrip()) else line for line in lines]
    return _parse(rows, _BITBUCKET_OWNER, "a user (@name), a group (@workspace/group) or an e-mail address")


def _parse(lines: list[str], owner_form: "re.Pattern[str]", forms: str) -> Parsed:
    rules: list[tuple[OwnersRule, PathGlob]] = []
    problems: list[SyntaxProblem] = []
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        # Also after a backslash: neither host can escape it.
        text = text.partition("#")[0]
        match = _PATTERN.match(text)
        pattern = match[0] if match else text
        owners = tuple(text[len(pattern) :].split())
        wrong = next((owner for owner in owners if not owner_form.fullmatch(owner)), None)
        problem = _pattern_problem(pattern) or (f"The owner {wrong} is not {forms}." if wrong else None)
        if problem:
            problems.append(SyntaxProblem(number, f"{problem} The line is skipped."))
        else:
            rules.append((OwnersRule(pattern, owners, number), github_glob(pattern)))
    return rules, problems


def _pattern_problem(pattern: str) -> str | None:
    if pattern.startswith("!"):
        return "A pattern cannot be negated with !."
    if pattern == "/":
        return "The pattern / matches no file."
    if pattern.count("/") > MAX_SEGMENTS:
        return TOO_DEEP
    if "***" in pattern:
        return "The pattern has three stars in a row."
    if len(pattern) - len(pattern.rstrip("\\")) & 1:
        return "The pattern ends in a backslash. A # cannot be escaped: it begins a comment."
    return None
