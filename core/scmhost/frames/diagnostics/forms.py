"""What a form of diagnostics is, and how a line is read with all of them.

A form is a regular expression for a path with a line number. The path is a word without blanks (``PATH``) unless the
form delimits it, with quotes for example. Each match is checked with the rules of ``file_names``.
"""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Final, NamedTuple

from scmhost.frames.frame import Frame, MatchSpan, Pattern, known_language

from .file_names import may_be_a_file, stands_alone

_CHARACTERS: Final = r"\w./\\~@+%$\-"
# Folders of web frameworks: "app/[id]/(shop)/page.tsx". A number in parentheses is the line.
_BRACKETS: Final = r"(?:\[(?!\d+\])[\w.@-]{1,60}\]|\((?!\d[\d:-]*\))[\w.@-]{1,60}\))"
PATH: Final = (
    rf"(?<![{_CHARACTERS}\])])(?P<path>(?:file:///[A-Za-z]:(?=[\\/])|file:(?=//)|qrc:(?=/))?(?:/?[A-Za-z]:(?=[\\/]))?"
    rf"(?>[{_CHARACTERS}]{{1,1000}}(?:{_BRACKETS}[{_CHARACTERS}]{{0,500}}){{0,8}}))"
)
"""A path without blanks. The match begins at the beginning of a word, so a long line costs no more than its length."""

LINE: Final = r"(?P<line>\d{1,9})(?!\d)"
COLUMN: Final = r"(?P<column>\d{1,9})(?!\d)"

# What separates a place from its message: "src/cart.py:12: error", "cart.cc:58] error".
_DASHES: Final = "-\u2013\u2014"
_SEPARATORS: Final = f" \t:;,>)]│|{_DASHES}"
# MSBuild names the project at the end of each line, and a box has a border there.
_AFTER_MESSAGE: Final = Pattern(r"(?:\[[^\[\]]{1,500}proj(?:::[^\[\]]{0,200})?\]|[│|])$")
_MARKS_BEFORE: Final = "+-%*"

Check = Callable[["re.Match[str]"], bool]


class PlaceForm(NamedTuple):
    """One way to print a place.

    Attributes:
        example: a place in this form.
        hint: a text that each line of this form contains.
        pattern: has the groups ``path`` and ``line``, and optionally ``column`` and ``message``.
        near: a pattern that each line of this form contains; it is faster than the form itself.
        at_start: the form is read at the beginning of a line only.
        check: a further condition on the match.
    """

    example: str
    hint: str
    pattern: Pattern
    near: Pattern | None = None
    at_start: bool = False
    check: Check | None = None


class FormTable:
    """Forms in their order. A line is read with those whose hints it contains, and several forms have the same hint."""

    def __init__(self, forms: Iterable[PlaceForm]) -> None:
        self._forms = tuple(forms)
        self._hints = tuple(dict.fromkeys(form.hint for form in self._forms))
        self._with_hints = lru_cache(maxsize=512)(self._chosen)

    def read(self, line: str) -> list[MatchSpan]:
        """Return the places of all forms on a line."""
        return read_forms(self._with_hints(tuple([hint for hint in self._hints if hint in line])), line)

    def _chosen(self, hints: tuple[str, ...]) -> tuple[PlaceForm, ...]:
        return tuple(form for form in self._forms if form.hint in hints)


def read_forms(forms: Iterable[PlaceForm], line: str) -> list[MatchSpan]:
    """Return the places of all forms on a line, in their order. Of two that overlap, the first one counts."""
    found: list[re.Match[str]] = []
    # Forms of one family share the pattern, and so the search for it.
    near: dict[Pattern | None, object] = {None: True}
    for form in forms:
        if form.hint not in line:
            continue
        if form.near not in near:
            near[form.near] = form.near and form.near.search(line)
        if near[form.near]:
            matches = [form.pattern.match(line)] if form.at_start else form.pattern.finditer(line)
            found += [match for match in matches if match and _accepted(form, match, line)]
    if len(found) > 1:
        found = _without_overlaps(found)
    return [_span(match, line, first=match is found[0]) for match in found]


_SEVERAL: Final = Pattern(r"[^\n]*(?:\.\w{1,8} |\s[-/~.]|\s\w:|[()=#`\u276f]|\s(?:at|in|on|of|from|and|or) )")


def has_blanks(match: re.Match[str]) -> bool:
    """Return whether the path has blanks, and is one path and not two."""
    path = match["path"].replace(" (x86)", " x86")
    return " " in path and not _SEVERAL.match(path)


def _without_overlaps(found: list[re.Match[str]]) -> list[re.Match[str]]:
    kept: list[re.Match[str]] = []
    # The sort is stable: at the same position the form that comes first in the table wins.
    for match in sorted(found, key=_path_start):
        if not kept or _path_start(match) >= kept[-1].end():
            kept.append(match)
    return kept


def _path_start(match: re.Match[str]) -> int:
    """Return where the path begins, after a mark such as the plus sign of a diff."""
    path = match["path"]
    return match.start("path") + len(path) - len(path.lstrip(_MARKS_BEFORE))


def _accepted(form: PlaceForm, match: re.Match[str], line: str) -> bool:
    start, first = _path_start(match), match.start("path")
    path = line[start : match.end("path")]
    if start != first and first > 0 and not line[first - 1].isspace():
        return False
    return (
        may_be_a_file(path)
        and stands_alone(path, line[max(0, first - 2) : first])
        and (form.check is None or form.check(match))
    )


def _span(match: re.Match[str], line: str, *, first: bool) -> MatchSpan:
    """Return the span of a place. The message of a line belongs to its first place."""
    start = _path_start(match)
    groups = match.re.groupindex
    column = match["column"] if "column" in groups else None
    message = match["message"] if "message" in groups else _text_after(line, start, match.end()) if first else ""
    place = (int(match["line"]), int(column) if column else None)
    return diagnostic(line[start : match.end("path")], place, message_of(message), start, _end(match))


def _end(match: re.Match[str]) -> int:
    """Return the end of the path, or of a line number behind a colon or a number sign."""
    end = match.end("path")
    return match.end("line") if match.start("line") == end + 1 and match.string[end] in ":#" else end


def message_of(text: str) -> str | None:
    """Return the message without the marks that separate it from the place, or None if nothing is left."""
    return _AFTER_MESSAGE.sub("", text.lstrip(_SEPARATORS).rstrip()).rstrip() or None


def _text_after(line: str, start: int, end: int) -> str:
    """Return the text after a place, or before a place in the last column, but nothing of a sentence around it."""
    after = line[end:]
    if not after and line[:start].endswith("  "):
        return line[:start]
    in_sentence = start > 0 and line[start - 1] == " " and after[:1] == " " and after[1:2] not in f" {_DASHES}"
    return "" if in_sentence and line[start - 2] not in ":>]" else after


def diagnostic(
    path: str, place: tuple[int | None, int | None], message: str | None, start: int, end: int, lines_back: int = 0
) -> MatchSpan:
    """Return the span of a diagnostic at a line and a column."""
    line, column = place
    frame = Frame(path, line, column, language=known_language(path), kind="diagnostic", message=message)
    return MatchSpan(frame, start, end, lines_back)
