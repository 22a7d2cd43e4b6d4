"""CODEOWNERS of Gitea and Forgejo: each rule is a regular expression of Go, and all rules that match add owners.

Go's expressions are those of RE2, which the package google-re2 brings. It takes linear time, but a set of a thousand
expressions builds large automata. So expressions of common forms become globs, and only the others are left to it.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import islice, product
from typing import TYPE_CHECKING, Any, Final

from .globs import DEEP, MAX_SEGMENTS, Deep, PathGlob, Segment, SegmentGlob, Token, Wild, segment_of
from .values import OwnersRule, SyntaxProblem

if TYPE_CHECKING:
    from types import ModuleType

ExpressionRules = tuple[list[tuple[OwnersRule, str]], list[SyntaxProblem]]
"""The rules, each with its expression, anchored as Gitea does it; and the problems."""

MAX_GLOBS: Final = 16
"""The most globs that one expression becomes."""

# Expressions of one automaton: one that needs more memory than RE2 gives costs its chunk only.
_CHUNK: Final = 64
_TEAM: Final = re.compile(r"[^/@\s]+(/[^/@\s]+)?")
_LITERAL: Final = re.compile(r"[^\\.+*?()|\[\]{}^$]|\\[^\w\s]", re.ASCII)
_GROUP: Final = re.compile(rf"\((?P<texts>(?:{_LITERAL.pattern}|\|)*)\)", re.ASCII)
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
    words = [""]
    for match in _WORD.finditer(line.strip()):
        if match[1] is not None:
            words[-1] += match[1]
        elif match[0][0] == "#":
            break
        elif match[0].isspace():
            words.append("")
        else:
            words[-1] += match[0]
    return [word for word in words if word]


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
    """Finds the expressions that a path matches."""

    def __init__(self, expressions: Sequence[tuple[int, str]]) -> None:
        self._re2 = load_re2()
        self._single: dict[int, Any] = {}
        self._chunks = [
            (self._set(chunk), chunk)
            for at in range(0, len(expressions), _CHUNK)
            if (chunk := expressions[at : at + _CHUNK])
        ]

    def _set(self, chunk: Sequence[tuple[int, str]]) -> Any:
        made = self._re2.Set.SearchSet(_options(self._re2))
        for _, expression in chunk:
            made.Add(expression)
        # Matches always, so that no match means that the memory of the automaton did not suffice.
        made.Add("")
        try:
            made.Compile()
        except self._re2.error:
            return None
        return made

    def matching(self, path: str) -> Iterator[int]:
        """Yield the numbers of the expressions that match a path."""
        for made, chunk in self._chunks:
            found = made and made.Match(path)
            if found is None:
                yield from (rule for rule, text in chunk if self._compiled(rule, text).search(path))
            else:
                yield from (chunk[at][0] for at in found if at < len(chunk))

    def _compiled(self, rule: int, expression: str) -> Any:
        if rule not in self._single:
            self._single[rule] = self._re2.compile(expression, _options(self._re2))
        return self._single[rule]


def expression_globs(expression: str) -> list[PathGlob] | None:
    """Return globs for the same paths as an anchored expression, or None if it has other parts than these.

    Parts: literal characters, ``.``, ``.*``, ``.+``, ``[^/]*``, ``[^/]+``, ``(.*/)?``, and groups of literal texts.
    """
    parts = _parts(expression[1:-1]) if expression.count("/") <= MAX_SEGMENTS else None
    if parts is None:
        return None
    ways = list(islice(product(*parts), MAX_GLOBS + 1))
    if len(ways) > MAX_GLOBS:
        return None
    return [_glob([token for way in chosen for token in way]) for chosen in ways]


_Way = tuple[Token | Deep, ...]
_ANY: Final[_Way] = (Wild.ANY,)
_ONE: Final[_Way] = (Wild.ONE,)
_ACROSS: Final[_Way] = (Wild.ANY, "/", DEEP, "/", Wild.ANY)
# The ways to match a part: a dot is also a slash.
_DOT: Final[list[_Way]] = [_ONE, ("/",)]
_FORMS: Final[dict[str, list[list[_Way]]]] = {
    ".*": [[_ANY, _ACROSS]],
    ".+": [_DOT, [_ANY, _ACROSS]],
    ".": [_DOT],
    "[^/]*": [[_ANY]],
    "[^/]+": [[_ONE], [_ANY]],
    "[^/]": [[_ONE]],
    "(.*/)?": [[(), (Wild.ANY, "/"), (*_ACROSS, "/")]],
}
# The same as ``.*`` at the start of a segment, with one way.
_FOLDERS: Final[_Way] = (DEEP, "/", Wild.ANY)
_FORM: Final = re.compile("|".join(map(re.escape, sorted(_FORMS, key=len, reverse=True))))


def _parts(text: str) -> list[list[_Way]] | None:
    parts: list[list[_Way]] = []
    at = 0
    while at < len(text):
        if literal := _LITERAL.match(text, at):
            parts.append([(literal[0][-1],)])
            at = literal.end()
        elif form := _FORM.match(text, at):
            starts_segment = form[0] == ".*" and parts[-1:] in ([], [[("/",)]])
            parts += [[_FOLDERS]] if starts_segment else _FORMS[form[0]]
            at = form.end()
        elif group := _GROUP.match(text, at):
            parts.append([tuple(re.sub(r"\\(.)", r"\1", choice)) for choice in group["texts"].split("|")])
            at = group.end()
        else:
            return None
        # Repeats of anything else are not read here.
        if text[at : at + 1] in _REPEATS:
            return None
    return parts


_REPEATS: Final = frozenset("*+?{")


def _glob(tokens: Sequence[Token | Deep]) -> PathGlob:
    segments: list[Segment] = []
    segment: list[Token] = []
    for part in tokens:
        if isinstance(part, Deep):
            segments.append(part)
        elif part != "/":
            segment.append(part)
        elif segments[-1:] != [DEEP] or segment:
            segments.append(segment_of(segment))
            segment = []
    last = segment_of(segment)
    if segments[-1:] == [DEEP] and last == SegmentGlob("", "", 0, None):
        return PathGlob(tuple(segments[:-1]), here=False, below=True)
    return PathGlob((*segments, last), here=True, below=False)
