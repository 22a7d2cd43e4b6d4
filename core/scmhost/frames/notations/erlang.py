"""Erlang's stacks as terms and as text: ``{shop,total,1,[{file,"src/shop.erl"},{line,12}]}``; Elixir's terms too."""

import re
from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import Spot
from scmhost.frames.languages import language_of
from scmhost.frames.near import Near
from scmhost.frames.patterns import Pattern
from scmhost.frames.spots import LINE, spot

HINTS: Final[tuple[str, ...]] = ("{file,", "[file:", ", line ")

_PATH: Final = r"\\?[\"'](?P<path>[^\"'\\\n]{1,500})\\?[\"']"
_TERM: Final = Pattern(
    rf"(?:\{{ ?'?(?P<module>[\w.@-]{{1,200}})'?, ?'?(?P<function>[^,'\n]{{1,200}})'?, ?"
    rf"(?P<arity>\d{{1,3}}|\[[^\n]{{0,1000}}?\]), ?)?"
    rf"\[?(?:\n|\s)?\{{file, ?{_PATH}\}}, ?\{{line, ?{LINE}\}}"
)
_ELIXIR: Final = Pattern(
    rf"(?:\{{(?P<module>:?[\w.]{{1,200}}), :\"?(?P<function>[^,\"\n]{{1,200}})\"?,"
    rf" (?P<arity>\d{{1,3}}|\[[^\n]{{0,1000}}?\]), )?"
    rf"\[file: (?:~c)?{_PATH}, line: {LINE}\]"
)
_TEXT: Final = Pattern(
    r"(?:(?P<function>[\w@'.-]{1,200}(?::[^\s(]{1,200})?/\d{1,3}|[\w@'.]{1,200}:[^\s(]{1,200})(?:"
    r"\([^\n]{0,1000}?\))? )?"
    rf"\((?P<path>[^\s()\",]{{1,500}}\.(?:[ehxy]rl|exs?)), line {LINE}\)"
)
_ABOVE: Final = Pattern(
    r"\[?\{'?(?P<module>[\w.@-]{1,200})'?,'?(?P<function>[^,'\n]{1,200})'?,(?:(?P<arity>\d{1,3}),)?$"
)


def read(line: str, near: Near) -> Sequence[Spot] | None:
    """The frames on this line; a term's function may stand on the line above."""
    if found := list(_TERM.finditer(line)):
        return [_term(one, _above(near) if number == 0 else None) for number, one in enumerate(found)]
    if found := list(_ELIXIR.finditer(line)):
        return [_term(one, None) for one in found]
    text = [
        spot(one, language_of(one["path"], "erlang", "elixir"), function=one["function"])
        for one in _TEXT.finditer(line)
    ]
    return text or None


def _above(near: Near) -> re.Match[str] | None:
    """The function on the line above, or above the list of its arguments."""
    return _ABOVE.search(near.before(2 if near.before().startswith("[") else 1))


def _term(found: re.Match[str], above: re.Match[str] | None) -> Spot:
    named = found if found["module"] else above
    function = None
    if named:
        arity = f"/{named['arity']}" if (named["arity"] or "").isdigit() else ""
        function = f"{named['module']}{'.' if found.re.pattern is _ELIXIR.source else ':'}{named['function']}{arity}"
    return spot(found, language_of(found["path"], "erlang", "elixir"), function=function)
