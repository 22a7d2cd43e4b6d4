"""Patterns of paths, split at slashes, in the syntaxes of GitHub and of GitLab.

A segment becomes a text if it has no wildcard, else a ``SegmentGlob``. Their regular expressions take linear time.
"""

import re
from collections.abc import Sequence
from enum import Enum
from typing import Final, NamedTuple

MAX_SEGMENTS: Final = 256
"""The most segments of a pattern. No file is so deep, and every one of them may have to be looked for in a path."""

TOO_DEEP: Final = f"The pattern has more than {MAX_SEGMENTS} folders, so that it matches no file."


class SegmentGlob(NamedTuple):
    """A segment with wildcards.

    Attributes:
        prefix: the text before the first wildcard.
        suffix: the text after the last wildcard.
        shortest: the least number of characters that it matches.
        expression: a regular expression for the whole segment; None if prefix, suffix and length decide.
    """

    prefix: str
    suffix: str
    shortest: int
    expression: str | None


class Deep(Enum):
    """A segment ``**``: any number of folders, also none."""

    DEEP = "**"


DEEP: Final = Deep.DEEP

Segment = str | SegmentGlob | Deep


class PathGlob(NamedTuple):
    """A pattern of paths from the root of a repository.

    Attributes:
        segments: the patterns of the path's first segments.
        here: whether a path that ends with the last segment matches.
        below: whether longer paths match.
    """

    segments: tuple[Segment, ...]
    here: bool
    below: bool


class Wild(Enum):
    """The wildcards ``*`` and ``?``."""

    ANY = "*"
    ONE = "?"


class CharacterSet(NamedTuple):
    """A set of characters, as a regular expression."""

    expression: str


Token = str | Wild | CharacterSet
"""A literal character, a wildcard or a set."""


def segment_of(tokens: Sequence[Token]) -> str | SegmentGlob:
    """Return the segment of its tokens."""
    if all(isinstance(token, str) for token in tokens):
        return "".join(token for token in tokens if isinstance(token, str))
    pieces = _pieces(tokens)
    prefix = _literal(pieces[0])
    suffix = _literal(pieces[-1][::-1])[::-1] if len(pieces) > 1 else ""
    shortest = sum(map(len, pieces))
    # One star: if all else is literal or any character, the length decides about these.
    others = [*pieces[0][len(prefix) :], *pieces[-1][: len(pieces[-1]) - len(suffix)]]
    is_simple = len(pieces) == 2 and all(token is Wild.ONE for token in others)  # noqa: PLR2004
    return SegmentGlob(prefix, suffix, shortest, None if is_simple else _expression(pieces))


def _pieces(tokens: Sequence[Token]) -> list[list[Token]]:
    """Return the tokens between stars."""
    pieces: list[list[Token]] = [[]]
    for token in tokens:
        if token is Wild.ANY:
            pieces.append([])
        else:
            pieces[-1].append(token)
    return [pieces[0], *filter(None, pieces[1:-1]), pieces[-1]] if len(pieces) > 1 else pieces


def _literal(piece: Sequence[Token]) -> str:
    """Return the literal characters at the start of a piece."""
    end = next((at for at, token in enumerate(piece) if not isinstance(token, str)), len(piece))
    return "".join(token for token in piece[:end] if isinstance(token, str))


def _expression(pieces: Sequence[Sequence[Token]]) -> str:
    """Return a regular expression without backtracking: after a star, the first place that fits a piece is as good as
    any later one, because pieces have a fixed length.
    """
    first, *others = ["".join(map(_unit, piece)) for piece in pieces]
    if not others:
        return first
    *middle, last = others
    found = "".join(f"(?>.*?{piece})" for piece in middle)
    # The last piece is looked for at the end only: the possessive repeat takes all, and the lookbehind compares.
    end = f".{{{len(pieces[-1])},}}+(?<={last})" if last else ".*+"
    return f"{first}{found}{end}"


def _unit(token: Token) -> str:
    if isinstance(token, str):
        return re.escape(token)
    return token.expression if isinstance(token, CharacterSet) else "."


def github_glob(pattern: str) -> PathGlob:
    """Return a pattern of GitHub or Bitbucket: that of a gitignore file, but brackets are literal.

    A pattern without a slash, or with one at its end only, matches in every folder. A pattern that ends in ``/*``
    matches files of the folder itself only.
    """
    parts = pattern.split("/")
    last = parts[-1]
    if "/" not in pattern[:-1]:
        parts.insert(0, "**")
    elif not parts[0]:
        del parts[0]
    ends_below = last in ("", "**")
    # Several forms of a pattern mean everything below a folder.
    while ends_below and parts and parts[-1] in ("", "**"):
        parts.pop()
    segments = tuple(DEEP if part == "**" else segment_of(_tokens(part)) for part in parts)
    if last == "*" and segments[-2:-1] == (DEEP,):
        return PathGlob(segments[:-2], here=False, below=True)
    return PathGlob(segments, here=not ends_below, below=ends_below or last != "*")


def _tokens(part: str) -> list[Token]:
    tokens: list[Token] = []
    characters = iter(part)
    for character in characters:
        if character == "\\":
            tokens.extend(next(characters, ""))
        else:
            tokens.append(_WILD.get(character, character))
    return tokens


_WILD: Final[dict[str, Token]] = {"*": Wild.ANY, "?": Wild.ONE}


def gitlab_glob(pattern: str) -> PathGlob | None:
    """Return a pattern that begins with a slash, as GitLab reads it.

    The rules are those of Ruby's ``File.fnmatch`` with FNM_PATHNAME and FNM_DOTMATCH. Only ``**/`` matches several
    folders; a ``**`` elsewhere is a star. None if a bracket is not closed: then the pattern matches no path.
    """
    segments = _gitlab_segments(pattern[1:])
    if segments is None:
        return None
    if segments[-2:] != [DEEP, _ALL]:
        return PathGlob(tuple(segments), here=True, below=False)
    # All that is below a folder: the same files, and no need to look at their names.
    segments.pop()
    while segments and segments[-1] is DEEP:
        segments.pop()
    return PathGlob(tuple(segments), here=False, below=True)


_ALL: Final = SegmentGlob("", "", 0, None)


def _gitlab_segments(text: str) -> list[Segment] | None:
    segments: list[Segment] = []
    tokens: list[Token] = []
    at, end = 0, len(text)
    while at < end:
        character = text[at]
        if not tokens and text.startswith("**/", at) and text[at - 1 : at] in ("", "/"):
            segments.append(DEEP)
            at += 3
            continue
        if character == "/":
            segments.append(segment_of(tokens))
            tokens = []
        elif character == "[":
            read = _character_set(text, at + 1)
            if read is None:
                return None
            tokens.append(read[0])
            at = read[1]
            continue
        elif character == "\\" and at + 1 < end:
            at += 1
            tokens.append(text[at])
        # Two stars in a row match the same as one.
        elif character != "*" or tokens[-1:] != [Wild.ANY]:
            tokens.append(_WILD.get(character, character))
        at += 1
    return [*segments, segment_of(tokens)]


def _character_set(text: str, at: int) -> tuple[CharacterSet, int] | None:
    """Return the set that begins after a bracket, and the position after it; None if the set is not closed or empty."""
    negated = text[at : at + 1] in ("!", "^")
    at += negated
    items: list[str] = []
    while at < len(text) and text[at] != "]":
        low, at = _set_character(text, at)
        if text[at : at + 1] == "-" and text[at + 1 : at + 2] not in ("", "]"):
            high, at = _set_character(text, at + 1)
            # Ruby compares with both ends before it compares with what is between.
            items.append(re.escape(low) + re.escape(high) if low > high else f"{re.escape(low)}-{re.escape(high)}")
        else:
            items.append(re.escape(low))
    if at >= len(text) or not (items or negated):
        return None
    inside = "".join(items)
    # ``[!]`` excludes nothing, so that it matches any character.
    expression = "." if not items else f"[^{inside}]" if negated else f"[{inside}]"
    return CharacterSet(expression), at + 1


def _set_character(text: str, at: int) -> tuple[str, int]:
    at += text[at] == "\\" and at + 1 < len(text)
    return text[at], at + 1
