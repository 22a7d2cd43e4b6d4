"""Lua: tracebacks of PUC Lua, LuaJIT and Luau, and errors as Neovim, OpenResty, LÖVE, busted and games print them."""

from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import LINE, LINE_COLUMN, MatchSpan, Pattern, looks_like_a_file, match_span
from scmhost.frames.notation import ContextLines, Notation

# Games use extensions of their own. Lua cuts long paths: "...hare/shop/cart.lua".
_DRIVE: Final = r"(?:[A-Za-z]:(?=[\\/]))?"
_ANY_FILE: Final = rf"(?P<path>{_DRIVE}[^\s:\"'<>|(\[][^:\"<>|\n]{{0,300}})"
_EXTENSION: Final = r"\.(?:lua|luau|moon|fnl)"
_FILE: Final = rf"(?P<path>{_DRIVE}[^\s:\"'<>|(\[*][^\s:\"'<>|()]{{0,300}}{_EXTENSION})"
_FILE_WITH_BLANKS: Final = rf"(?P<path>{_DRIVE}[^\s:\"'<>|(\[*][^:\"'<>|()\n]{{0,300}}{_EXTENSION})"

_KINDS: Final = "function|method|field|upvalue|local|global|metamethod|for iterator|hook"
_NAMED: Final = rf"in (?:main chunk|(?:{_KINDS}) (?:['`‘](?P<function>[^'’\n]{{1,200}})['’]|<[^<>\n]{{1,400}}>|\?)|\?)"
_FRAME: Final = Pattern(rf"{_ANY_FILE}:{LINE}: {_NAMED}")
# A program that loads a script by its own means names it in this way.
_STRING: Final = Pattern(rf"\[string \"@?(?P<path>[^\"\n]{{1,300}}\.lua)\"\]:{LINE}: (?:{_NAMED})?")
_NO_FILE: Final = Pattern(r"\[(?:C|string \".{0,300}\"|love \".{0,100}\"|builtin[^\]\n]{0,60})\](?::-?\d{1,9})?: in ")
_KNOWN: Final = (
    # In this order: lazy.nvim; Garry's Mod; Don't Starve; FiveM; busted; Luau.
    Pattern(rf"- {_FILE}:{LINE}(?: _in_ \*\*(?P<function>[^*\n]{{1,200}})\*\*)?$"),
    Pattern(rf"\d{{1,4}}\. (?P<function>[^\n]{{1,200}}?) - {_FILE_WITH_BLANKS}:{LINE}$"),
    Pattern(rf"{_FILE_WITH_BLANKS}:{LINE} in \([a-z ]{{0,20}}\) (?P<function>\S{{1,200}}) \(Lua\)"),
    Pattern(rf"(?:> )?(?P<function>[^\s()]{{1,200}}) \({_FILE}:{LINE}\)$"),
    Pattern(rf"(?P<function>(?!))?(?:Failure|Error|Pending) (?:→|->) {_FILE_WITH_BLANKS} @ {LINE}$"),
    Pattern(rf"{_FILE_WITH_BLANKS}:{LINE} function (?P<function>[^\s()]{{1,200}})$"),
)
_ROBLOX: Final = Pattern(
    rf"Script '(?P<path>[^'\n]{{1,300}})', Line {LINE}(?: - (?:{_KINDS}) (?P<function>[^\s()]{{1,200}}))?$"
)
# Only an absolute path may have blanks: words of the message would be taken for the beginning of a relative one.
_MESSAGE_ABSOLUTE: Final = Pattern(
    r"(?:^|(?<=[\s\"'(]))(?P<path>(?:[A-Za-z]:[\\/]|~?/)(?:[^\s:\"'<>|()]| (?![/~]|[A-Za-z]:)){1,300}"
    rf"{_EXTENSION}):{LINE_COLUMN}:(?= |$)"
)
_MESSAGE: Final = Pattern(rf"(?:^|(?<=[\s\"'(])){_FILE}:{LINE_COLUMN}:(?= |$)")


def _read(line: str, _context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``/srv/shop/cart.lua:12: in function 'total'``, and messages that begin with their place."""
    if match := _FRAME.match(line) or _STRING.search(line):
        # OpenResty runs code of its configuration: "init_by_lua:3: in main chunk".
        return [match_span(match, "lua", function=match["function"])] if looks_like_a_file(match["path"]) else []
    if _NO_FILE.match(line):
        return []
    known = next((match for pattern in _KNOWN if (match := pattern.match(line))), None) or _ROBLOX.match(line)
    if known:
        return [match_span(known, "lua", function=known["function"])]
    messages = [*_MESSAGE_ABSOLUTE.finditer(line)] or _MESSAGE.finditer(line)
    return [match_span(match, "lua") for match in messages] or None


LUA: Final = Notation("lua", (".lua", ".moon", ".fnl", ": in ", "', Line "), _read)
