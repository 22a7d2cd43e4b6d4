"""Read a CODEOWNERS file, and find the owners of paths."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Final, cast

from .expressions import expression_globs
from .gitea import ExpressionSet, parse_gitea
from .github import MAX_BYTES, parse_bitbucket, parse_github
from .gitlab import parse_gitlab
from .globs import PathGlob
from .matcher import MAX_REMEMBERED, GlobMatcher
from .tree import Rules
from .values import NO_OWNER, Answer, OwnersDialect, Ownership, OwnersRule, SyntaxProblem

PLACES: Final[Mapping[OwnersDialect, tuple[str, ...]]] = {
    OwnersDialect.GITHUB: (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"),
    OwnersDialect.GITLAB: ("CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"),
    OwnersDialect.BITBUCKET: (".bitbucket/CODEOWNERS",),
    OwnersDialect.GITEA: ("CODEOWNERS", "docs/CODEOWNERS", ".gitea/CODEOWNERS"),
    OwnersDialect.FORGEJO: ("CODEOWNERS", "docs/CODEOWNERS", ".gitea/CODEOWNERS", ".forgejo/CODEOWNERS"),
}
"""Where a host looks for the file; the first that exists is read."""

OWN_PLACES: Final[Mapping[str, OwnersDialect]] = {
    place: dialect
    for dialect, places in PLACES.items()
    for place in places
    if sum(place in others for others in PLACES.values()) == 1
}
"""The places that only one dialect has, so that they show it."""

_DIALECTS: Final[Mapping[str, OwnersDialect]] = {
    "github": OwnersDialect.GITHUB,
    "github_enterprise": OwnersDialect.GITHUB,
    "gitlab": OwnersDialect.GITLAB,
    "gitlab_legacy": OwnersDialect.GITLAB,
    "bitbucket_cloud": OwnersDialect.BITBUCKET,
    "bitbucket_server": OwnersDialect.BITBUCKET,
    "gitea": OwnersDialect.GITEA,
    "forgejo": OwnersDialect.FORGEJO,
}


_BINARY: Final = "The file has NUL characters, so that code hosts take it for a binary file. Save it as UTF-8."


def dialect_of(kind: str | None) -> OwnersDialect | None:
    """Return the dialect of a kind of code host, such as ``gitlab``; None if such hosts read no CODEOWNERS."""
    return _DIALECTS.get(kind or "")


class CodeOwners:
    """A CODEOWNERS file.

    Args:
        dialect: the host whose rules apply.
        text: the file; a byte-order mark and the line ends of Windows are accepted.

    Attributes:
        rules: the rules that apply; of those that match in a section, the last one decides.
        problems: the lines that the host skips or reads in an unexpected way, in their order.

    Raises:
        OwnersNotSupported: the dialect needs a package that is not installed.
    """

    def __init__(self, dialect: OwnersDialect, text: str) -> None:
        lines = text.removeprefix("\ufeff").split("\n")
        self.dialect = dialect
        self.rules: Sequence[OwnersRule]
        self.problems: Sequence[SyntaxProblem]
        self._globs: Sequence[PathGlob | None] = ()
        self._expressions: Sequence[str] = ()
        if dialect is OwnersDialect.GITHUB and len(text.encode(errors="replace")) > MAX_BYTES:
            self.rules, self.problems = (), [SyntaxProblem(1, "GitHub ignores a file of more than 3 MB.")]
        elif "\0" in text:
            self.rules, self.problems = (), [SyntaxProblem(1, _BINARY)]
        elif dialect in (OwnersDialect.GITEA, OwnersDialect.FORGEJO):
            expressions, self.problems = parse_gitea(lines)
            self.rules = [rule for rule, _ in expressions]
            self._expressions = [expression for _, expression in expressions]
        else:
            parsed, self.problems = _PARSERS[dialect](lines)
            self.rules = [rule for rule, _ in parsed]
            self._globs = [glob for _, glob in parsed]

    def owners_of(self, path: str) -> Answer:
        """Return the ownerships of a file, whose path is relative to the root of the repository."""
        return self.owners_of_all([path])[0]

    def owners_of_all(self, paths: Iterable[str]) -> list[Answer]:
        """Return the ownerships of many files, in their order. Equal answers are one object."""
        return self._find(paths)

    @cached_property
    def _find(self) -> Callable[[Iterable[str]], list[Answer]]:
        if self._expressions:
            return _ExpressionAnswers(self.rules, self._expressions).answers
        globs = [(number, glob) for number, glob in enumerate(self._globs) if glob is not None]
        strongest = _Strongest(self.rules)
        matcher = GlobMatcher(globs, strongest.of, lambda matching: _section_answer(self.rules, strongest.of(matching)))
        if self.dialect is OwnersDialect.GITLAB:
            return lambda paths: matcher.answers([path.removeprefix("/") for path in paths])
        return matcher.answers


_Parsed = tuple[Sequence[tuple[OwnersRule, PathGlob | None]], Sequence[SyntaxProblem]]
_PARSERS: Final[Mapping[OwnersDialect, Callable[[list[str]], _Parsed]]] = {
    OwnersDialect.GITHUB: parse_github,
    OwnersDialect.GITLAB: parse_gitlab,
    OwnersDialect.BITBUCKET: parse_bitbucket,
}


class _Strongest:
    """Selects the last matching rule of each section, and the exclusions of each section."""

    def __init__(self, rules: Sequence[OwnersRule]) -> None:
        self._groups = [(_name_of(rule), rule.excludes) for rule in rules]

    def of(self, matching: Rules) -> Rules:
        """Return those of the matching rules that can decide."""
        if len(matching) < 2:  # noqa: PLR2004 - one rule decides alone
            return matching
        return frozenset({self._groups[number]: number for number in sorted(matching)}.values())


def _section_answer(rules: Sequence[OwnersRule], deciding: Rules) -> Answer:
    """Return one ownership for each section with a matching rule and without a matching exclusion."""
    chosen = [rules[number] for number in sorted(deciding)]
    excluded = {_name_of(rule) for rule in chosen if rule.excludes}
    kept = [rule for rule in chosen if _name_of(rule) not in excluded]
    return tuple(Ownership(rule.owners, rule.line, _name_of(rule)) for rule in kept) or NO_OWNER


def _name_of(rule: OwnersRule) -> str | None:
    return None if rule.section is None else rule.section.name


class _ExpressionAnswers:
    """The answers of Gitea and Forgejo: all rules that match add owners."""

    def __init__(self, rules: Sequence[OwnersRule], expressions: Sequence[str]) -> None:
        self._rules = rules
        self._negated = frozenset(number for number, rule in enumerate(rules) if rule.excludes)
        found = [expression_globs(expression) for expression in expressions]
        self._tried = frozenset(number for number, each in enumerate(found) if not each.exact)
        self._set = ExpressionSet({number: expressions[number] for number in sorted(self._tried)})
        globs = [(number, glob) for number, each in enumerate(found) for glob in each.globs]
        self._matcher: GlobMatcher[Answer | _Trial] = GlobMatcher(globs, frozenset, self._answer)
        self._answers: dict[Rules, Answer] = {}

    def answers(self, paths: Iterable[str]) -> list[Answer]:
        """Return the answers for paths, in their order."""
        if not self._tried:
            return cast("list[Answer]", self._matcher.answers(paths))
        kept = list(paths)
        found = self._matcher.answers(kept)
        return [each[path] if isinstance(each, _Trial) else each for each, path in zip(found, kept, strict=True)]

    def _answer(self, matching: Rules) -> "Answer | _Trial":
        """Return the answer of the rules whose globs match, or what tries their expressions."""
        tried = matching & self._tried
        return _Trial(self, matching - tried, self._set.matcher_of(tried)) if tried else self.of(matching)

    def of(self, matching: Rules) -> Answer:
        """Return the answer of the rules whose expressions match."""
        known = self._answers.get(matching)
        if known is not None:
            return known
        if len(self._answers) > MAX_REMEMBERED:
            self._answers.clear()
        # A rule that begins with ! applies where its expression does not match.
        chosen = [self._rules[number] for number in sorted(matching ^ self._negated)]
        owners = tuple(dict.fromkeys(owner for rule in chosen for owner in rule.owners))
        answer = self._answers[matching] = (Ownership(owners, chosen[-1].line, None),) if chosen else NO_OWNER
        return answer


class _Trial:
    """The answers of paths on which expressions must be tried, by those that match."""

    def __init__(self, answers: _ExpressionAnswers, certain: Rules, matching: Callable[[str], tuple[int, ...]]) -> None:
        self._answers = answers
        self._certain = certain
        self._matching = matching
        self._known: dict[tuple[int, ...], Answer] = {}

    def __getitem__(self, path: str) -> Answer:
        matching = self._matching(path)
        known = self._known.get(matching)
        if known is None:
            known = self._known[matching] = self._answers.of(self._certain.union(matching))
        return known
