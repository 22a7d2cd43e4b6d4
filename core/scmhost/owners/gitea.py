"""CODEOWNERS of Gitea and Forgejo: each rule is a regular expression of Go, and all rules that match add owners.

Go's expressions are those of RE2, which the package google-re2 brings. It takes linear time, but a set of a thousand
expressions builds large automata. So it is asked only for paths that fit the globs of an expression, see
``expressions``.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from .values import OwnersRule, SyntaxProblem

if TYPE_CHECKING:
    from types import ModuleType

ExpressionRules = tuple[list[tuple[OwnersRule, str]], list[SyntaxProblem]]
"""The rules, each with its expression, anchored as Gitea does it; and the problems."""

# Expressions of one automaton: one that needs more memory than RE2 gives costs its chunk only.
_CHUNK: Final = 64
_TEAM: Final = re.compile(r"[^/@\s]+(/[^/@\s]+)?")
_WORD: Final = re.compile(r"\\(.)|\s+|#.*|[^\\\s#]+", re.DOTALL)


class OwnersNotSupported(Exception):
    """The package that a dialect needs is not installed. The message names it."""


def load_re2() -> "ModuleType":
    """Return the module of google-re2.

    Raises:
        OwnersNotSupported: the package is not installed.
    """
    try:
        import re2  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise OwnersNotSupported(
            'CODEOWNERS of Gitea and Forgejo needs the package google-re2: pip install "scmhost[owners]"'
        ) from error
    module: ModuleType = re2
    return module


def parse_gitea(lines: list[str]) -> ExpressionRules:
    """Return the rules and problems of a file of Gitea or Forgejo.

    Raises:
        OwnersNotSupported: google-re2 is not installed.
    """
    re2 = load_re2()
    rules: list[tuple[OwnersRule, str]] = []
    problems: list[SyntaxProblem] = []
    for number, line in enumerate(lines, 1):
        words = split_words(line)
        if not words:
            continue
        owners = tuple(word for word in words[1:] if _TEAM.fullmatch(word.removeprefix("@")))
        problems += [
            SyntaxProblem(number, f"The owner {word} is not a user or a team (@organization/team). It is ignored.")
            for word in words[1:]
            if word not in owners
        ]
        excludes = words[0].startswith("!")
        expression = f"^{words[0].removeprefix('!')}$"
        problem = None if owners else "The pattern has no owner."
        problem = problem or _expression_problem(re2, expression)
        if problem:
            problems.append(SyntaxProblem(number, f"{problem} The line is skipped."))
        else:
            rules.append((OwnersRule(words[0], owners, number, excludes=excludes), expression))
    return rules, problems


def split_words(line: str) -> list[str]:
    """Return the words of a line, without its comment. A backslash keeps a space, a ``#`` or a backslash."""
    words: list[list[str]] = [[]]
    for match in _WORD.finditer(line.strip()):
        if match[1] is not None:
            words[-1].append(match[1])
        elif match[0][0] == "#":
            break
        elif match[0].isspace():
            words.append([])
        else:
            words[-1].append(match[0])
    return ["".join(word) for word in words if word]


def _expression_problem(re2: "ModuleType", expression: str) -> str | None:
    try:
        re2.compile(expression, _options(re2))
    except re2.error as error:
        reason = error.args[0]
        text = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        return f"The regular expression is invalid, or needs more than RE2 has: {text}."
    return None


def _options(re2: "ModuleType") -> Any:
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    return options


class ExpressionSet:
    """Tries expressions on paths.

    Args:
        expressions: the expressions by the numbers of their rules.
    """

    def __init__(self, expressions: Mapping[int, str]) -> None:
        items = list(expressions.items())
        chunks = [_Chunk(items[at : at + _CHUNK]) for at in range(0, len(items), _CHUNK)]
        self._chunk_of = {rule: chunk for chunk in chunks for rule in chunk.rules}

    def matcher_of(self, rules: Iterable[int]) -> "Callable[[str], tuple[int, ...]]":
        """Return a function for the numbers of the expressions that a path matches.

        It is for paths that match no others than those of the given rules.
        """
        chunks = dict.fromkeys(self._chunk_of[rule] for rule in sorted(rules))
        if len(chunks) == 1:
            return next(iter(chunks)).matching
        return lambda path: tuple(rule for chunk in chunks for rule in chunk.matching(path))


class _Chunk:
    """Some expressions in one automaton, which is made when it is needed first."""

    def __init__(self, expressions: Sequence[tuple[int, str]]) -> None:
        self.rules = tuple(rule for rule, _ in expressions)
        self._expressions = expressions

    def matching(self, path: str) -> tuple[int, ...]:
        """Return the numbers of the expressions that a path matches."""
        found = self._set and self._set.Match(path)
        if found is None:
            return tuple(rule for rule, compiled in self._single if compiled.search(path))
        rules = self.rules
        # The last one is the expression that always matches.
        return tuple([rules[at] for at in found if at < len(rules)])

    @cached_property
    def _set(self) -> Any:
        re2 = load_re2()
        made = re2.Set.SearchSet(_options(re2))
        for _, expression in self._expressions:
            made.Add(expression)
        # Matches always, so that no match means that the memory of the automaton did not suffice.
        made.Add("")
        try:
            made.Compile()
        except re2.error:
            return None
        return made

    @cached_property
    def _single(self) -> list[tuple[int, Any]]:
        re2 = load_re2()
        return [(rule, re2.compile(expression, _options(re2))) for rule, expression in self._expressions]
