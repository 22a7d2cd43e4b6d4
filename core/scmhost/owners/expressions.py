"""Globs for regular expressions of Go, so that most paths need no regular expression.

Each expression becomes globs that match all its paths, and perhaps more: then the expression must be tried on a path
that they match. Expressions of common forms become globs for exactly the same paths.
"""

import re
from collections.abc import Sequence
from functools import reduce
from itertools import product
from typing import Final, NamedTuple

from .globs import DEEP, MAX_SEGMENTS, CharacterSet, Deep, PathGlob, Segment, SegmentGlob, Token, Wild, segment_of

MAX_GLOBS: Final = 16
"""The most globs that one expression becomes."""

_MAX_NESTED: Final = 8

_Way = tuple[Token | Deep, ...]
_Part = list[_Way]


class ExpressionGlobs(NamedTuple):
    """The globs for an expression.

    Attributes:
        globs: they match each path that the expression matches.
        exact: whether they match no other path.
    """

    globs: Sequence[PathGlob]
    exact: bool


class _Unreadable(Exception):
    """A part that may change what all other parts mean, as a flag or an alternative to the whole expression."""


class _Atom(NamedTuple):
    """A part before its repetition: the ways to match it, where it ends, and whether it can match a slash."""

    part: _Part
    end: int
    exact: bool = True
    has_slash: bool = True


_ALL_PATHS: Final = ExpressionGlobs((PathGlob((), here=False, below=True),), exact=False)
_NOTHING: Final[_Way] = ()
_ANY: Final[_Way] = (Wild.ANY,)
_ONE: Final[_Way] = (Wild.ONE,)
_SLASH: Final[_Way] = ("/",)
_ACROSS: Final[_Way] = (Wild.ANY, "/", DEEP, "/", Wild.ANY)
_ANYTHING: Final[_Part] = [_ANY, _ACROSS]
# The ways to match a part: a dot is also a slash.
_FORMS: Final[dict[str, list[_Part]]] = {
    ".*": [_ANYTHING],
    ".+": [[_ONE, _SLASH], _ANYTHING],
    "[^/]*": [[_ANY]],
    "[^/]+": [[_ONE], [_ANY]],
    "(.*/)?": [[_NOTHING, (Wild.ANY, "/"), (*_ACROSS, "/")]],
}
# The same at the start of a segment, with one way.
_AT_START: Final[dict[str, list[_Part]]] = {".*": [[(DEEP, "/", Wild.ANY)]], "(.*/)?": [[(DEEP, "/")]]}
_FORM: Final = re.compile("|".join(map(re.escape, sorted(_FORMS, key=len, reverse=True))))
_LITERAL: Final = re.compile(r"[^\\.+*?()|\[\]{}^$]|\\[^\w\s]", re.ASCII)
_CLASS: Final = re.compile(r"\[(?P<negated>\^?)[\w.-]+\]", re.ASCII)
_CLASSES: Final = {"\\d": "[0-9]", "\\w": "[0-9A-Za-z_]"}
_REPEAT: Final = re.compile(r"(?P<kind>[*+?]|\{[\d,]+\})\??", re.ASCII)


def expression_globs(expression: str) -> ExpressionGlobs:
    """Return globs for an anchored expression.

    Exact parts: literal characters, ``.``, ``.*``, ``.+``, ``[^/]*``, ``[^/]+``, ``(.*/)?``, ``[a-z]``, groups of such
    parts, and ``?`` after one of them.
    """
    if expression.count("/") > MAX_SEGMENTS:
        return _ALL_PATHS
    try:
        parts, exact = _parts(expression[1:-1], 0, at_start=True)
    except _Unreadable:
        return _ALL_PATHS
    if _count(parts) > MAX_GLOBS:
        exact = False
        while _count(parts) > MAX_GLOBS // 2:
            del parts[-1]
        parts.append(_ANYTHING)
    return ExpressionGlobs([_glob(way) for way in _ways(parts)], exact)


def _count(parts: Sequence[_Part]) -> int:
    return reduce(lambda count, part: min(count, MAX_GLOBS + 1) * len(part), parts, 1)


def _ways(parts: Sequence[_Part]) -> list[_Way]:
    return [tuple(token for way in chosen for token in way) for chosen in product(*parts)]


def _parts(text: str, nested: int, *, at_start: bool) -> tuple[list[_Part], bool]:
    """Return the parts of an expression without alternatives, and whether they match only what it matches.

    Raises:
        _Unreadable: the expression has other parts.
    """
    parts: list[_Part] = []
    exact, at = True, 0
    while at < len(text):
        starts_segment = parts[-1] == [_SLASH] if parts else at_start
        form = _FORM.match(text, at)
        if form:
            parts += (starts_segment and _AT_START.get(form[0])) or _FORMS[form[0]]
            at = form.end() + (text[form.end() : form.end() + 1] == "?")
            if text[at : at + 1] in _REPEATS:
                raise _Unreadable
            continue
        atom = _atom(text, at, nested, starts_segment=starts_segment)
        repeat = _REPEAT.match(text, atom.end)
        read, is_exact = _repeated(atom, repeat["kind"] if repeat else "")
        parts += read
        exact = exact and is_exact
        at = repeat.end() if repeat else atom.end
    return parts, exact


_REPEATS: Final = frozenset("*+?{")


def _atom(text: str, at: int, nested: int, *, starts_segment: bool) -> _Atom:
    """Return the part that begins here, without its repetition."""
    literal = _LITERAL.match(text, at)
    if literal:
        return _Atom([(literal[0][-1],)], literal.end(), has_slash=literal[0][-1] == "/")
    if text[at] == ".":
        return _Atom([_ONE, _SLASH], at + 1)
    if text[at] == "(":
        return _group(text, at, nested, starts_segment=starts_segment)
    found = _CLASS.match(text, at)
    expression = found[0] if found else _CLASSES.get(text[at : at + 2])
    if expression is None:
        raise _Unreadable
    end = at + len(found[0] if found else text[at : at + 2])
    try:
        has_slash = re.fullmatch(expression, "/") is not None
    except re.error:
        raise _Unreadable from None
    if has_slash:
        return _Atom([_ONE, _SLASH], end, exact=False)
    return _Atom([(CharacterSet(expression),)], end, has_slash=False)


def _repeated(atom: _Atom, kind: str) -> tuple[list[_Part], bool]:
    """Return the parts for a repeated part, and whether they are exact."""
    if not kind:
        return [atom.part], atom.exact
    if kind == "?":
        return [[_NOTHING, *atom.part]], atom.exact
    anything = _ANYTHING if atom.has_slash else [_ANY]
    return ([atom.part, anything] if kind == "+" else [anything]), False


def _group(text: str, at: int, nested: int, *, starts_segment: bool) -> _Atom:
    """Return a group of alternatives. If they have too many ways, they count as any text."""
    end = _end_of_group(text, at)
    inside = text[at + 1 : end - 1].removeprefix("?:")
    if inside.startswith("?") or nested >= _MAX_NESTED:
        raise _Unreadable
    part: _Part = []
    exact = True
    for choice in _choices(inside):
        parts, is_exact = _parts(choice, nested + 1, at_start=starts_segment)
        if _count(parts) > MAX_GLOBS:
            return _Atom(_ANYTHING, end, exact=False)
        part += _ways(parts)
        exact = exact and is_exact
    if len(part) > MAX_GLOBS:
        return _Atom(_ANYTHING, end, exact=False)
    return _Atom(part, end, exact)


_TOKEN: Final = re.compile(r"\\.|\[\^?\]?[^\]]*\]|.", re.DOTALL)


def _end_of_group(text: str, at: int) -> int:
    """Return the position after the parenthesis that closes a group."""
    depth = 0
    for token in _TOKEN.finditer(text, at):
        depth += (token[0] == "(") - (token[0] == ")")
        if depth == 0:
            return token.end()
    raise _Unreadable


def _choices(text: str) -> list[str]:
    """Return the alternatives of a group."""
    choices, depth = [""], 0
    for token in _TOKEN.finditer(text):
        depth += (token[0] == "(") - (token[0] == ")")
        if token[0] == "|" and depth == 0:
            choices.append("")
        else:
            choices[-1] += token[0]
    return choices


_ALL: Final = SegmentGlob("", "", 0, None)


def _glob(tokens: _Way) -> PathGlob:
    segments: list[Segment] = []
    segment: list[Token] = []
    follows_deep = False
    for part in tokens:
        if isinstance(part, Deep):
            segments.append(part)
        elif part != "/":
            segment.append(part)
        elif segment or not follows_deep:
            made = segment_of(segment)
            # At least one folder: `*/**` is matched faster than `**/*`, because only the first folder is looked at.
            segments.insert(len(segments) - (made == _ALL and segments[-1:] == [DEEP]), made)
            segment = []
        follows_deep = isinstance(part, Deep)
    last = segment_of(segment)
    if segments[-1:] == [DEEP] and last == _ALL:
        return PathGlob(tuple(segments[:-1]), here=False, below=True)
    return PathGlob((*segments, last), here=True, below=False)
