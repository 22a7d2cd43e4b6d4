"""CODEOWNERS of GitLab: sections, default owners, roles and exclusions."""

import re
from dataclasses import dataclass, field
from typing import Final

from .globs import MAX_SEGMENTS, TOO_DEEP, PathGlob, gitlab_glob
from .values import OwnersRule, OwnersSection, SyntaxProblem

_HEADING: Final = re.compile(
    r"(?P<optional>\^)?\[(?P<name>.*?)\](?:\[(?P<approvals>\d*?)\])?(?P<owners>\s+[@\w.\-/\s+]*)?", re.ASCII
)
_UNCLOSED_HEADING: Final = re.compile(r"\^?\[[^\]]+")
_UNESCAPED_SPACE: Final = re.compile(r"(?<!\\)\s+")
_ESCAPED_SPACE: Final = re.compile(r"\\\s+")
# Names of users and groups do not end in a full stop; roles may be in the plural.
_REFERENCE: Final = re.compile(
    r"(?<![^\s,;])@@(?:developer|maintainer|owner)s?(?![^\s])"
    r"|(?<![\w@])@[\w.][\w.-]*(?:/[\w.][\w.-]*)*(?<![.])"
    r"|[^@\s]{1,100}@[^@\s]{1,255}(?<!\W)",
    re.ASCII | re.IGNORECASE,
)
# The rules before the first heading; a heading with this name joins them.
_DEFAULT: Final = "codeowners"

_UNCLOSED_SET: Final = "A [ of the pattern is not closed, so that it matches no file. Write \\[ for a literal one."

SectionRules = tuple[list[tuple[OwnersRule, PathGlob | None]], list[SyntaxProblem]]
"""The rules, weaker ones of a section first, each with its pattern unless it matches no path; and the problems."""


def owner_references(text: str) -> tuple[str, ...]:
    """Return the users, groups, roles and e-mail addresses of a text, in its order, each once."""
    return tuple(dict.fromkeys(_REFERENCE.findall(text)))


@dataclass
class _Reading:
    """What was read of a file so far: per section, its rules by their normalized patterns.

    The first spelling of each name is that of its section.
    """

    sections: dict[str, dict[str, OwnersRule]] = field(default_factory=lambda: {_DEFAULT: {}})
    spellings: dict[str, str] = field(default_factory=lambda: {_DEFAULT: _DEFAULT})
    current: OwnersSection = field(default_factory=lambda: OwnersSection(_DEFAULT))
    problems: list[SyntaxProblem] = field(default_factory=list)


def parse_gitlab(lines: list[str]) -> SectionRules:
    """Return the rules and problems of a file of GitLab.

    Of two rules with one pattern in a section, the later one replaces the earlier one at its place.
    """
    reading = _Reading()
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        heading = _HEADING.match(text)
        if heading:
            _read_heading(reading, heading, number)
        else:
            _read_rule(reading, text, number)
    return _with_globs(reading)


def _read_heading(reading: _Reading, heading: "re.Match[str]", number: int) -> None:
    name, optional, approvals = heading["name"], bool(heading["optional"]), int(heading["approvals"] or 0)
    # GitLab compares a name with the default section only if there is another one.
    if len(reading.sections) > 1:
        name = reading.spellings.get(name.casefold(), name)
    reading.spellings.setdefault(name.casefold(), name)
    text = heading["owners"] or ""
    owners = owner_references(text)
    if not name.strip():
        reading.problems.append(SyntaxProblem(number, "The section has no name."))
    if optional and approvals:
        reading.problems.append(SyntaxProblem(number, "An optional section requires no approvals."))
    if text.strip() and not owners:
        problem = f"The default owners {text.strip()} are no users, groups, roles or e-mail addresses."
        reading.problems.append(SyntaxProblem(number, problem))
    reading.current = OwnersSection(name, optional, approvals, owners)
    reading.sections.setdefault(name, {})


def _read_rule(reading: _Reading, text: str, number: int) -> None:
    pattern, *rest = _UNESCAPED_SPACE.split(text, maxsplit=1)
    words = rest[0] if rest else ""
    excludes = pattern.startswith("!")
    pattern = pattern[1:] if excludes else pattern
    section = reading.current
    owners = () if excludes else owner_references(words) if words else section.default_owners
    problem = None if excludes else _rule_problem(text, words, owners)
    if problem:
        reading.problems.append(SyntaxProblem(number, problem))
    shown = None if section.name == _DEFAULT else section
    rule = OwnersRule(f"!{pattern}" if excludes else pattern, owners, number, shown, excludes)
    reading.sections[section.name][_normalized(pattern)] = rule


def _rule_problem(text: str, words: str, owners: tuple[str, ...]) -> str | None:
    if _UNCLOSED_HEADING.fullmatch(text):
        return "The heading of a section is not closed with ]. The line is read as a pattern with owners."
    wrong = [word for word in words.split() if not owner_references(word)]
    if wrong:
        return f"No user, group, role or e-mail address: {' '.join(wrong)}. It is ignored."
    return None if owners else "The pattern has no owner, and its section has no default owners."


def _normalized(pattern: str) -> str:
    """Return the pattern that Ruby compares with a path that begins with a slash."""
    if pattern == "*":
        return "/**/*"
    unescaped = "#" + pattern[2:] if pattern.startswith("\\#") else pattern
    unescaped = _ESCAPED_SPACE.sub(" ", unescaped)
    anchored = unescaped if unescaped.startswith("/") else f"/**/{unescaped}"
    return f"{anchored}**/*" if anchored.endswith("/") else anchored


def _with_globs(reading: _Reading) -> SectionRules:
    rules: list[tuple[OwnersRule, PathGlob | None]] = []
    reported = {problem.line for problem in reading.problems}
    for section in reading.sections.values():
        for pattern, rule in section.items():
            is_deep = pattern.count("/") > MAX_SEGMENTS
            glob = None if is_deep else gitlab_glob(pattern)
            if glob is None and rule.line not in reported:
                reading.problems.append(SyntaxProblem(rule.line, TOO_DEEP if is_deep else _UNCLOSED_SET))
            rules.append((rule, glob))
    return rules, sorted(reading.problems)
