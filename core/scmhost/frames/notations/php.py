"""PHP: where errors were thrown, traces, and the rows that Xdebug, Symfony, Collision and PHPUnit print."""

import re
from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import LINE, ROOT, MatchSpan, Pattern, looks_like_a_file, match_span
from scmhost.frames.notation import ContextLines, Notation

_ERRORS_PATH: Final = rf"(?P<path>(?!file ')(?:{ROOT}|[a-z]{{2,10}}://)?[^\s:\"'`(<][^:\"`(<\n]{{0,500}}"
_ERRORS_ON_LINE: Final = Pattern(rf"in {_ERRORS_PATH}?) on line {LINE}(?!, col)")
_ERRORS_EVALUATED: Final = Pattern(rf"in {_ERRORS_PATH}?)\({LINE}\) : [\w ()'-]{{1,60}}? on line \d")
_ERRORS_COLON: Final = Pattern(
    rf"(?:in|at) \"?{_ERRORS_PATH}?\.(?:php\d?|inc|phtml|module|theme|twig|ctp|tpl|install)):{LINE}"
)
_ERRORS_TWIG: Final = Pattern(rf"in \"?{_ERRORS_PATH}?\.(?:twig|latte|tpl|phtml))\"? (?:at|on) line {LINE}")
_ERRORS_SYMFONY: Final = Pattern(rf"in {_ERRORS_PATH}?\.php) \(?line {LINE}\)?")
# Symfony's console; PHP's own messages in a browser.
_ERRORS_TITLE: Final = Pattern(rf"In (?P<path>[^\s:/\\]{{1,300}}\.php) line {LINE}:$")
_ERRORS_HTML: Final = Pattern(rf".{{1,2000}}? in <b>(?P<path>[^<>\n]{{1,500}})</b> on line <b>{LINE}</b>")
# The table of Xdebug.
_ERRORS_TABLE: Final = Pattern(
    rf".{{0,2000}}?<td title='(?P<path>[^'\n]{{1,500}})'[^<>\n]{{0,200}}>[^<\n]{{0,500}}<b>:</b>{LINE}<"
)
# Laravel names a template without a line.
_ERRORS_VIEW: Final = Pattern(r".{0,2000}?\(View: (?P<path>[^()\n]{1,500}\.php)\)(?P<line>(?!))?")
_ERRORS_CAKE: Final = Pattern(rf"(?P<function>[^\s(]{{1,300}})\(.*\) - {_ERRORS_PATH}?\.php), line:? {LINE}$")
# Drupal, and the e-mails of WordPress.
_ERRORS_LINE_OF: Final = Pattern(rf"line {LINE} of (?:the file )?{_ERRORS_PATH}?\.(?:php|inc|module))")
_ERRORS_ROWS: Final = (
    _ERRORS_EVALUATED,
    _ERRORS_ON_LINE,
    _ERRORS_COLON,
    _ERRORS_TWIG,
    _ERRORS_SYMFONY,
    _ERRORS_LINE_OF,
)
# With a text of each line, which is found faster than the pattern.
_ERRORS_ALONE: Final = (
    ("In ", _ERRORS_TITLE),
    ("</b> on line <b>", _ERRORS_HTML),
    ("<td title='", _ERRORS_TABLE),
    ("(View: ", _ERRORS_VIEW),
)
_ERRORS_SENTENCE: Final = Pattern(r"at (?P<function>[^\s(]{1,300})\(")
# Every pattern in _ERRORS_ROWS begins with one of these words.
_ERRORS_START: Final = Pattern(r"\b(?:in|at|line) ")


def _read_errors(line: str, _context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``in /srv/app/shop.php:12`` and ``in /srv/app/shop.php on line 12``."""
    if " - " in line and (cake := _ERRORS_CAKE.match(line)):
        return [match_span(cake, "php", function=cake["function"])]
    for text, pattern in _ERRORS_ALONE:
        if text in line and (alone := pattern.match(line)):
            return [match_span(alone, "php")]
    return _last_location(line, 0, len(line)) or None


def _last_location(line: str, begin: int, end: int) -> Sequence[MatchSpan]:
    """Return the last location within a part of a line: the message before it may contain paths, too."""
    starts = [match.start() for match in _ERRORS_START.finditer(line, begin, end)]
    # The bound keeps the work linear in lines that repeat these words.
    for start in reversed(starts[-8:]):
        match = next((match for pattern in _ERRORS_ROWS if (match := pattern.match(line, start, end))), None)
        if match and looks_like_a_file(match["path"]):
            called = _ERRORS_SENTENCE.match(line)
            return [match_span(match, "php", function=called["function"] if called else None)]
    return []


ERRORS: Final = Notation(
    "php_errors",
    (" line ", ".php:", ".inc:", ".phtml:", ".module:", ".php(", " of ", "<b>:</b>", "(View: "),
    _read_errors,
)


_TRACE_SYMBOL: Final = r"(?P<function>(?:[^({\n]|\{[^}\n]{0,300}\}){1,500})"
_TRACE_FRAME: Final = Pattern(
    rf"(?<![^\s\"'>])(?:#\d{{1,6}}:? +(?P<path>(?:{ROOT}|[A-Za-z]:|phar:|vfs:|file:)?"
    r"[^\s:(\[{](?>(?:(?! #\d)[^:(\n]){0,1000})(?<!\s))"
    # Markdown renders the numbers as a list.
    rf"|\d{{1,4}}\.? +(?P<listed>[^\s:(]{{1,1000}}\.php))\({LINE}\)"
    rf"(?:(?: : [\w ()'-]{{1,60}}?\(?\d*\)?)?: {_TRACE_SYMBOL}|$)"
)
_TRACE_NUMBER: Final = Pattern(r"\(\d{1,9}\)")
# Laravel's report names the class or function first.
_TRACE_HEAD: Final = Pattern(
    r"#\d{1,6}:? +(?P<function>[\w\\:>{}$@.-]{1,300})(?:\([^\n]{0,300}?\))? (?:in|at) "
    rf"(?P<path>(?:{ROOT})?[^\s:\"'`(<\[][^:\"'`(<\n]{{0,500}}?\.(?:php|inc|phtml))(?::|\(| on line | line ){LINE}"
)
_TRACE_CALLED: Final = Pattern(
    r"#\d{1,6} ++(?>(?P<function>(?:(?!#\d)[^(\n]){1,500}))\((?>(?:(?!\) called at |#\d{1,6} ).)*)"
    r"\) called at "
    rf"\[(?P<path>[^\]\n]{{1,1000}}?):{LINE}\]"
)
_TRACE_NO_FILE: Final = Pattern(r"#\d{1,6} +(?:\[internal function\]|\{main\})")


def _read_trace(line: str, _context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``#1 /srv/app/shop.php(12): Shop->total()``.

    A whole trace may be on one line; then the location of the error precedes or follows its frames.
    """
    if named := _TRACE_HEAD.match(line):
        return [match_span(named, "php", function=named["function"])]
    matches = list(_TRACE_FRAME.finditer(line)) if _TRACE_NUMBER.search(line) else []
    if not matches and ") called at [" in line:
        matches = list(_TRACE_CALLED.finditer(line))
    if not matches:
        return [] if _TRACE_NO_FILE.match(line) else None
    head, tail = matches[0].start(), matches[-1].end()
    frames = [span for span in map(_trace_span, matches) if looks_like_a_file(span.frame.path)]
    return [*_last_location(line, 0, head), *frames, *_last_location(line, tail, len(line))]


def _trace_span(match: re.Match[str]) -> MatchSpan:
    group = "listed" if "listed" in match.re.groupindex and match["listed"] else "path"
    return match_span(match, "php", function=(match["function"] or "").strip(), group=group)


TRACE: Final = Notation("php_trace", ("#", ".php("), _read_trace)


# A path in a sentence is another notation's.
_TOOLS_PATH: Final = (
    rf"(?P<path>(?!in |at |#|file '|\d{{1,4}}\) |[^:\n(]{{1,500}} in )(?:{ROOT}|[a-z]{{2,10}}://)?"
    r"[^\s:\"'`(<][^:\"'`(<\n]{0,500}\.(?:php|inc|phtml))"
)
_TOOLS_XDEBUG: Final = Pattern(
    rf"(?:PHP |[\d.\s]{{1,60}} )? *\d{{1,6}}\.?\s+(?P<function>[^\s(]{{1,300}})\(.*\) {_TOOLS_PATH}:{LINE}$"
)
_TOOLS_CONSOLE: Final = Pattern(rf"(?P<function>[^\s(]{{1,300}})\((?:\.\.\.)?\) at {_TOOLS_PATH}:{LINE}$")
_TOOLS_THROWN: Final = Pattern(rf"at {_TOOLS_PATH}:{LINE}$")
_TOOLS_COLLISION: Final = Pattern(rf"(?:\d{{1,6}}(?: -)?|➜)\s+{_TOOLS_PATH}:{LINE}$")
_TOOLS_ARTISAN: Final = Pattern(
    rf"\d{{1,6}}(?: -)?\s+(?P<path>artisan|bin/[\w-]{{1,60}}|vendor/bin/[\w-]{{1,60}}):{LINE}$"
)
_TOOLS_SYMFONY: Final = Pattern(rf"\({_TOOLS_PATH}:{LINE}\)$")
_TOOLS_CALL: Final = Pattern(r"(?:at )?(?P<function>[^\s(]{1,300})\(")
# PHPUnit's stacks are lists of paths; a script without an extension follows a file with one.
_TOOLS_FRAME: Final = Pattern(rf"{_TOOLS_PATH}:{LINE}$")
_TOOLS_SCRIPT: Final = Pattern(rf"(?P<path>(?:phpvfscomposer://)?/[^\s:\"'`(]{{1,500}}/[^\s:\"'`(./]{{1,100}}):{LINE}$")


def _read_tools(line: str, context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``1  /srv/app/shop.php:12`` and its variants, whose function is on the same or a neighbouring line."""
    if match := _TOOLS_XDEBUG.match(line) or _TOOLS_CONSOLE.match(line):
        return [match_span(match, "php", function=match["function"])]
    if match := _TOOLS_THROWN.match(line):
        return [match_span(match, "php")]
    if match := _TOOLS_COLLISION.match(line) or _TOOLS_ARTISAN.match(line):
        return [match_span(match, "php", function=_tools_function(context.after()))]
    if match := _TOOLS_SYMFONY.match(line):
        return [match_span(match, "php", function=_tools_function(context.before()))]
    match = _TOOLS_FRAME.match(line) or (_TOOLS_FRAME.match(context.before()) and _TOOLS_SCRIPT.match(line))
    return [match_span(match, "php")] if match else None


def _tools_function(line: str) -> str | None:
    match = _TOOLS_CALL.match(line)
    return match["function"] if match else None


TOOLS: Final = Notation("php_tools", (".php:", "bin/", "artisan:", "phpunit:"), _read_tools)
