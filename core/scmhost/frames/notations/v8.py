"""V8 and what prints like it, such as Hermes and Internet Explorer: ``at f (url:12:3)`` and ``at url:12:3``."""

import re
from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import Spot
from scmhost.frames.languages import known_language, language_of
from scmhost.frames.near import Near
from scmhost.frames.paths import looks_like_a_file
from scmhost.frames.patterns import Pattern
from scmhost.frames.spots import AT, LINE, LINE_COLUMN, spot

HINTS: Final[tuple[str, ...]] = ("at ",)

_COLUMN: Final = r"(?P<column>\d{1,9})(?!\d)"
# Code of an eval names the place of the eval. A path may have blanks and parentheses, such as a route's group.
_CALL: Final = Pattern(
    AT + r"(?:async )?(?P<function>[^()\n]{1,300}?(?:\((?:anonymous|index)\)[^()\n]{0,100}?)?) ?"
    r"\((?:eval at [^()\n]{1,300} \(){0,8}(?:address at )?"
    rf"(?P<path>[^\s()](?:(?!\bat )[^\n]){{0,2000}}?):{LINE_COLUMN}\)"
)
_PLACE: Final = Pattern(rf"{AT}(?:async )?(?P<path>[^\s()][^\s]{{0,2000}}?):{LINE}:{_COLUMN}(?=$|[\s)\",'\\])")
_BLANKS: Final = Pattern(rf"at (?:async )?(?P<path>(?:/|[A-Za-z]:[\\/]|file:)[^()\n]{{1,1000}}?):{LINE}:{_COLUMN}$")
_LEADS: Final = Pattern(r"(?:^|\s\s)at (?:async )?$")
# A browser's console leaves the column out.
_SHORT: Final = Pattern(rf"at (?:async )?(?P<path>[^\s():]{{1,1000}}\.(?:[cm]?[jt]sx?|vue|svelte|dart)):{LINE}$")
_LANGUAGES: Final = ("javascript", "dart")
_NO_FILE: Final = Pattern(r"at (?:async )?[^()\n]{0,300}\((?:<anonymous>|native|index \d+|native code)\)$")


def read(line: str, _near: Near) -> Sequence[Spot] | None:
    """The frames on this line; native code gives none."""
    calls = [_spot(found) for found in _CALL.finditer(line) if _is_place(found)]
    if calls and line.count("at ") == len(calls):
        return calls
    places = [_spot(found) for found in _places(line) if _is_place(found)]
    spots = sorted({one.start: one for one in [*places, *calls]}.values(), key=_start)
    # One place alone may be what a sentence speaks of.
    if len(spots) > 1 or calls or (spots and _LEADS.search(line, 0, spots[0].start)):
        return spots
    if short := _SHORT.match(line):
        return [_spot(short)]
    return [] if _NO_FILE.match(line) else None


def _start(one: Spot) -> int:
    return one.start


def _places(line: str) -> list[re.Match[str]]:
    return list(_PLACE.finditer(line)) or [one for one in [_BLANKS.match(line)] if one]


def _is_place(found: re.Match[str]) -> bool:
    return looks_like_a_file(found["path"]) and (
        found["column"] is not None or known_language(found["path"]) in _LANGUAGES
    )


def _spot(found: re.Match[str]) -> Spot:
    function = found["function"] if "function" in found.re.groupindex else None
    return spot(found, language_of(found["path"], *_LANGUAGES), function=function)
