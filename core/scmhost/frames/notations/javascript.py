"""JavaScript: the stacks of V8, SpiderMonkey, JavaScriptCore and old Opera, and what React Native and Vitest print."""

import re
from collections.abc import Sequence
from operator import attrgetter
from typing import Final

from scmhost.frames.frame import (
    AT,
    LINE,
    LINE_COLUMN,
    ROOT,
    MatchSpan,
    Pattern,
    is_source,
    known_language,
    language_of,
    looks_like_a_file,
    match_span,
    names_a_file,
    without_arguments,
)
from scmhost.frames.notation import ContextLines, Notation

_V8_COLUMN: Final = r"(?P<column>\d{1,9})(?!\d)"
# Bundlers name a module as a function, with its layer and kind in parentheses.
_V8_FUNCTION: Final = r"(?P<function>[^()\n]{0,300}+(?:\([^()\n]{1,100}\)(?:(?!\bat )[^()\n]){0,200}?){0,2})"
# Code of an eval has the path of the eval. A path may have blanks and parentheses, such as a route's group.
_V8_CALL: Final = Pattern(
    rf"{AT}(?:async )?{_V8_FUNCTION} ?"
    r"\((?:eval at [^()\n]{1,300}\(){0,8}(?:address at |async )?"
    rf"(?P<path>[^\s()](?:(?!\bat )[^()\n]|\([^()\n]{{1,200}}\)){{0,2000}}?):{LINE_COLUMN}\)"
)
_V8_PATH_LINE: Final = Pattern(
    rf"{AT}(?:async )?(?P<path>(?![^\s/\\()]{{1,300}}\()[^\s()][^\s]{{0,2000}}?):{LINE}:{_V8_COLUMN}"
    r"(?=$|[\s)\",'\\])(?! - \d)"
)
_V8_PATH_WITH_BLANKS: Final = Pattern(
    rf"at (?:async )?(?P<path>(?:/|[A-Za-z]:[\\/]|\\\\|[a-z][\w+.-]{{1,30}}:/)[^\n]{{1,1000}}?):{LINE}:{_V8_COLUMN}$"
)
_V8_LINE_START: Final = Pattern(r"(?:^|\s\s)at (?:async )?$")
# The console of a browser leaves the column out.
_V8_NO_COLUMN: Final = Pattern(rf"at (?:async )?(?P<path>[^\s():]{{1,1000}}\.(?:[cm]?[jt]sx?|vue|svelte|dart)):{LINE}$")
_V8_LANGUAGES: Final = ("javascript", "dart")
_V8_NO_FILE: Final = Pattern(r"at (?:async )?[^()\n]{0,300}\((?:<anonymous>|native|index \d+|native code)\)$")


def _read_v8(line: str, _context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``at f (url:12:3)`` and ``at url:12:3``, as Hermes and Internet Explorer print them too."""
    calls = [_v8_span(match) for match in _V8_CALL.finditer(line) if _v8_names_source(match)]
    if calls and line.count("at ") == len(calls):
        return calls
    locations = [_v8_span(match) for match in _v8_locations(line) if _v8_names_source(match)]
    # The location within the parentheses of a call is the same frame; the call has its function.
    spans = sorted({span.end: span for span in [*locations, *calls]}.values(), key=attrgetter("start"))
    # A single location in the middle of a sentence is no frame.
    if len(spans) > 1 or calls or (spans and _V8_LINE_START.search(line, 0, spans[0].start)):
        return spans
    if short := _V8_NO_COLUMN.match(line):
        return [_v8_span(short)]
    return [] if _V8_NO_FILE.match(line) else None


def _v8_locations(line: str) -> list[re.Match[str]]:
    return list(_V8_PATH_LINE.finditer(line)) or [match for match in [_V8_PATH_WITH_BLANKS.match(line)] if match]


def _v8_names_source(match: re.Match[str]) -> bool:
    return looks_like_a_file(match["path"]) and (
        match["column"] is not None or known_language(match["path"]) in _V8_LANGUAGES
    )


def _v8_span(match: re.Match[str]) -> MatchSpan:
    function = match["function"].strip() if "function" in match.re.groupindex else None
    return match_span(match, language_of(match["path"], *_V8_LANGUAGES), function=function)


V8: Final = Notation("v8", ("at ",), _read_v8)


# Node's reporters and AVA leave "at" out.
_BARE_ROOT: Final = r"(?:(?:[a-z][\w+.-]{1,30}:/{0,3})|[A-Za-z]:(?=[\\/])|/|\.{1,2}/)"
_BARE_CALL: Final = Pattern(
    r"(?:› )?(?:async )?(?P<function>(?:new )?[^\s()\"',;=]{1,200}(?: \[as [^\s\]]{1,100}\])?) "
    rf"\((?P<path>{_BARE_ROOT}?[^\s():][^():\n]{{0,1000}}):{LINE}:{_V8_COLUMN}\)$"
)
_BARE_LOCATION: Final = Pattern(
    rf"(?P<mark>› )?(?:async )?(?P<path>{_BARE_ROOT}?[^\s():][^():\n]{{0,1000}}):{LINE}:{_V8_COLUMN}$"
)
_BARE_BEFORE: Final = Pattern(r"stack: ?[|>]-?$|[^()\n]{0,300}\((?:<anonymous>|native)\)$")
_BARE_SCRIPT: Final = Pattern(r"(?:node|file|https?):|.*\.(?:[cm]?[jt]sx?|vue|svelte)(?:\?\S*)?$")


def _read_bare(line: str, context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``TestContext.total (/srv/shop.test.js:14:10)``, and ``file:///srv/shop.mjs:4:1`` below such a line."""
    match = _BARE_CALL.match(line)
    if match and _BARE_SCRIPT.match(match["path"]):
        return [match_span(match, "javascript", function=match["function"])]
    match = _BARE_LOCATION.match(line)
    if match and _BARE_SCRIPT.match(match["path"]) and (match["mark"] or _in_bare_stack(context.before())):
        return [match_span(match, "javascript")]
    return None


def _in_bare_stack(above: str) -> bool:
    return bool(_BARE_BEFORE.match(above) or _BARE_CALL.match(above))


V8_BARE: Final = Notation(
    "v8_bare", (".js:", ".mjs:", ".cjs:", ".ts:", ".mts:", ".cts:", ".jsx:", ".tsx:", "› ", "(node:"), _read_bare
)


_SPIDERMONKEY_SYMBOL: Final = r"(?P<function>[^@\n]{0,300}?) ?@ ?"
_SPIDERMONKEY_PATH: Final = (
    rf"(?P<path>(?:[a-z][a-z0-9+.-]{{1,30}}:(?=/|[^\s:]{{0,300}}\.)|/|\\\\|{ROOT})[^\n]{{0,2000}}?"
    r"|[\w.\\/-]{1,300}\.[A-Za-z]\w{0,9}(?:\?[^\s:]{0,500})?)"
)
_SPIDERMONKEY_FRAME: Final = Pattern(rf"{_SPIDERMONKEY_SYMBOL}{_SPIDERMONKEY_PATH}:{LINE_COLUMN}$")
# Firefox prints the location of the eval, then the location within its text.
_SPIDERMONKEY_EVAL: Final = Pattern(rf"{_SPIDERMONKEY_SYMBOL}{_SPIDERMONKEY_PATH} line {LINE} > .{{1,100}}$")
# JavaScriptCore prints only the URL of a function without a name.
_SPIDERMONKEY_URL: Final = Pattern(
    rf"(?P<path>(?:https?|app|capacitor|ionic|tauri|wails)://[^\s@()\"']{{1,2000}}?):{LINE}:(?P<column>\d{{1,9}})(?!\d)$"
)
# Scripts of React Native are often without a folder.
_SPIDERMONKEY_BUNDLE: Final = Pattern(
    r"(?P<path>[^\s@()\"':]{1,500}\.(?:js)?bundle(?:\?[^\s@()\"']{0,1000}?)?)"
    rf":{LINE}:(?P<column>\d{{1,9}})(?!\d)$"
)
# A log may put a whole stack on one line.
_SPIDERMONKEY_WORD: Final = Pattern(
    rf"(?<!\S)(?P<function>[^\s@]{{0,200}})@(?P<path>(?:[a-z][a-z0-9+.-]{{1,30}}:/{{1,3}}|/)?[^\s@:]{{1,1000}}(?::\d{{2,5}}/[^\s@:]{{1,1000}})?)"
    rf":{LINE}:(?P<column>\d{{1,9}})(?!\S)"
)
_SPIDERMONKEY_NATIVE: Final = Pattern(r"[\w$.<>?/ \[\]-]{0,200}@\[(?:native|wasm) code\]$")
_SPIDERMONKEY_ASYNC: Final = Pattern(r"(?:async|[a-zA-Z ]{1,40}(?: handler| callback))\*")
# Old browsers print arguments; for a function without a name nothing else.
_SPIDERMONKEY_ARGUMENTS: Final = Pattern(r"(?<=[\w$>])\([^\n]*\)$|^\((?:null)?\)$")


def _read_spidermonkey(line: str, _context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``f@url:12:3``; the console of a browser puts blanks around the sign."""
    words = [*_SPIDERMONKEY_WORD.finditer(line)] if line.count("@") > 1 else ()
    if len(words) > 1 and all(map(_spidermonkey_names_source, words)):
        return [_spidermonkey_span(match) for match in words]
    match = _SPIDERMONKEY_EVAL.match(line) or _SPIDERMONKEY_FRAME.match(line)
    if match and _spidermonkey_names_source(match):
        return [_spidermonkey_span(match)]
    if match := _SPIDERMONKEY_URL.match(line) or _SPIDERMONKEY_BUNDLE.match(line):
        return [match_span(match, "javascript")]
    return [] if _SPIDERMONKEY_NATIVE.match(line) else None


def _spidermonkey_span(match: re.Match[str]) -> MatchSpan:
    function = _SPIDERMONKEY_ARGUMENTS.sub("", _SPIDERMONKEY_ASYNC.sub("", match["function"]))
    # The prefix of a log before a function without a name.
    function = "" if function.endswith(":") else function
    return match_span(match, language_of(match["path"], "javascript", "dart"), function=function)


def _spidermonkey_names_source(match: re.Match[str]) -> bool:
    path = match["path"]
    return names_a_file(path) and ("/" in path or "\\" in path or is_source(path))


SPIDERMONKEY: Final = Notation("spidermonkey", ("@", "://", "bundle"), _read_spidermonkey)


_OPERA_FRAME: Final = Pattern(
    rf"(?:Error thrown at|called (?:from|via [\w. ()]{{1,60}} from)) line {LINE}, column (?P<column>\d{{1,9}})"
    r"(?: in (?P<function>.{1,300}?))? in (?P<path>[a-z]{2,10}://\S{1,1000}?|\S{1,500}/\S{1,500}?):$"
)


def _read_opera(line: str, _context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``called from line 27, column 8 in total(n) in http://acme.dev/shop.js:`` of Opera 12 and older."""
    match = _OPERA_FRAME.match(line)
    if not match:
        return None
    function = match["function"]
    return [match_span(match, "javascript", function=function and without_arguments(function))]


OPERA: Final = Notation("opera", ("thrown at line ", "called from line ", "called via "), _read_opera)


_METRO_SCRIPT: Final = r"\.(?:[cm]?[jt]sx?|bundle)(?:\?[^\s:]{0,500})?"
_METRO_FRAME: Final = Pattern(
    rf"(?:- )?(?P<path>(?:https?://[^\s/()]{{1,100}})?[^\s:()]{{1,1000}}{_METRO_SCRIPT}):{LINE}"
    r":(?P<column>\d{1,9}) in (?P<function>\S.{0,300})$"
)
_METRO_ELEMENT: Final = Pattern(
    rf"in (?P<function>[^\s()]{{1,200}}) \(at (?:\*\*)?(?P<path>[^\s():]{{1,500}}{_METRO_SCRIPT}):{LINE}(?:\*\*)?\)"
)


def _read_metro(line: str, _context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read React Native's ``app/Shop.js:12:3 in total`` and React's ``in Shop (at App.js:12)``."""
    match = _METRO_FRAME.match(line) or _METRO_ELEMENT.match(line)
    return [match_span(match, "javascript", function=match["function"])] if match else None


METRO: Final = Notation("metro", ("in ",), _read_metro)


_VITEST_FRAME: Final = Pattern(
    r"❯ (?:(?P<function>[^\s:]{1,300}(?: [^\s:/\\]{1,100})?) )?"
    rf"(?P<path>node:[\w/.-]{{1,200}}|(?:file://|[A-Za-z]:(?=[\\/]))?[^\s:]{{1,1000}}\.[A-Za-z]\w{{0,9}}(?:\?[^\s:]{{0,200}})?):{LINE}:(?P<column>\d{{1,9}})$"
)


def _read_vitest(line: str, _context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``❯ total src/shop.ts:12:3``."""
    match = _VITEST_FRAME.match(line)
    return [match_span(match, "javascript", function=match["function"])] if match else None


VITEST: Final = Notation("v8_vitest", ("❯ ",), _read_vitest)
