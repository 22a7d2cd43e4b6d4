"""Elixir and Erlang: frames as text and as terms. Both print files of both languages."""

import re
from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import LINE, ROOT, MatchSpan, Pattern, language_of, match_span
from scmhost.frames.notation import ContextLines, Notation

_ELIXIR_EXTENSION: Final = r"\.(?:exs?|eex|heex|leex|erl|hrl|[xy]rl)"
_ELIXIR_FRAME: Final = Pattern(
    r"(?<![^\s\"'])(?:\((?P<app>\w{1,100})(?: [^()\s]{1,60})?\) )?"
    rf"(?P<path>(?:{ROOT}|[A-Za-z]:)?[^\s:\"'()]{{1,500}}{_ELIXIR_EXTENSION})"
    r"(?::(?P<line>\d{1,9})(?::(?P<column>\d{1,9}))?)?: "
    r"(?P<function>(?:anonymous fn/\d+ in )?(?>(?:[^\s(\"]|\"[^\"\n]{1,200}\"){1,300})|\((?:test|module|file)\))"
    r"(?P<rest>[^\n]{0,2000})$"
)
_ELIXIR_NAMED: Final = Pattern(
    r"(?:anonymous fn/\d+ in )?:?(?>(?:[\w'-]|\"[^\"\n]{1,200}\")+)\."
    r"(?>(?:[^\s/(\"]|\"[^\"\n]{1,200}\")+)(?:/\d+|\()"
    r"|\((?:test|module|file)\)"
)


def _read_elixir(line: str, _context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``(shop 0.1.0) lib/shop.ex:12: Shop.total/1``. A compiler's message has no function and is no frame."""
    match = _ELIXIR_FRAME.search(line)
    if not match or not _ELIXIR_NAMED.match(line, match.start("function")):
        return None
    return [
        match_span(
            match, language_of(match["path"], "elixir", "erlang"), function=match["function"], module=match["app"]
        )
    ]


ELIXIR: Final = Notation("elixir", (".ex", ".eex", ".heex", ".leex", ".erl:", ".hrl:", ".xrl:", ".yrl:"), _read_elixir)


_ERLANG_PATH: Final = r"\\?[\"'](?P<path>[^\"'\\\n]{1,500})\\?[\"']"
_ERLANG_TERM: Final = Pattern(
    rf"(?:\{{ ?'?(?P<module>[\w.@-]{{1,200}})'?, ?'?(?P<function>[^,'\n]{{1,200}})'?, ?"
    rf"(?P<arity>\d{{1,3}}|\[[^\n]{{0,1000}}?\]), ?)?"
    rf"\[?(?:\n|\s)?\{{file, ?{_ERLANG_PATH}\}}, ?\{{line, ?{LINE}\}}"
)
_ERLANG_ELIXIR: Final = Pattern(
    rf"(?:\{{(?P<module>:?[\w.]{{1,200}}), :\"?(?P<function>[^,\"\n]{{1,200}})\"?,"
    rf" (?P<arity>\d{{1,3}}|\[[^\n]{{0,1000}}?\]), )?"
    rf"\[file: (?:~c)?{_ERLANG_PATH}, line: {LINE}\]"
)
_ERLANG_TEXT: Final = Pattern(
    r"(?:(?<![\w@'.:-])(?P<function>[\w@'.-]{1,200}(?::[^\s(]{1,200})?/\d{1,3}|[\w@'.]{1,200}:[^\s(]{1,200})(?:"
    r"\([^\n]{0,1000}?\))? )?"
    rf"\((?P<path>[^\s()\",]{{1,500}}\.(?:[ehxy]rl|exs?)), line {LINE}\)"
)
_ERLANG_ABOVE: Final = Pattern(
    r"\[?\{'?(?P<module>[\w.@-]{1,200})'?,'?(?P<function>[^,'\n]{1,200})'?,(?:(?P<arity>\d{1,3}),)?$"
)


def _read_erlang(line: str, context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``{shop,total,1,[{file,"src/shop.erl"},{line,12}]}``, Elixir's form of it, and Erlang's text.

    The function of the first term may be on the line above.
    """
    if matches := list(_ERLANG_TERM.finditer(line)):
        first, *others = matches
        above = None if first["module"] else _erlang_above(context)
        return [_term_span(first, above or first, ":"), *(_term_span(match, match, ":") for match in others)]
    if matches := list(_ERLANG_ELIXIR.finditer(line)):
        return [_term_span(match, match, ".") for match in matches]
    texts = [
        match_span(match, language_of(match["path"], "erlang", "elixir"), function=match["function"])
        for match in _ERLANG_TEXT.finditer(line)
    ]
    return texts or None


def _erlang_above(context: ContextLines) -> re.Match[str] | None:
    """Return the function on the line above, or above the list of its arguments."""
    return _ERLANG_ABOVE.search(context.before(2 if context.before().startswith("[") else 1))


def _term_span(match: re.Match[str], named: re.Match[str], separator: str) -> MatchSpan:
    """Return the span of a term whose module, function and arity are in another match, or in the same."""
    function = None
    if named["module"]:
        # A list of arguments takes the place of the arity when the call itself failed.
        arity = f"/{named['arity']}" if (named["arity"] or "").isdigit() else ""
        function = f"{named['module']}{separator}{named['function']}{arity}"
    return match_span(match, language_of(match["path"], "erlang", "elixir"), function=function)


ERLANG: Final = Notation("erlang", ("{file,", "[file:", ", line "), _read_erlang)
