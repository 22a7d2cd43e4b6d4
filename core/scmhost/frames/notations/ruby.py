"""Ruby: backtraces, crash reports, minitest's failures, and JRuby's backtraces."""

import re
from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import LINE, ROOT, MatchSpan, Pattern, language_of, match_span, names_a_file
from scmhost.frames.notation import ContextLines, Notation

_BACKTRACE_IN: Final = r":in ?[`'‘“](?P<function>[^\n'’”]{1,300})['’”]"
_BACKTRACE_GEM: Final = r"(?:(?P<gem>[\w.-]{1,100}) \([\w.-]{1,60}\) )?"
# JRuby has schemes of its own.
_BACKTRACE_ROOT: Final = rf"(?:{ROOT}|[A-Za-z]:|uri:classloader:|(?:jar:)?file:)?"
# A path with blanks can be distinguished from other words only at the beginning of the line.
_BACKTRACE_FIRST: Final = Pattern(
    rf"(?:\d{{1,6}}: |[-*•] )?(?:from )?{_BACKTRACE_GEM}"
    rf"(?P<path>{_BACKTRACE_ROOT}(?!from )[^\s:\"'`\[(<>|=][^:\"'`\n]{{0,1000}}|<internal:[^>\s]{{1,200}}>)"
    rf":{LINE}{_BACKTRACE_IN}"
)
_BACKTRACE_ANY: Final = Pattern(
    rf"(?:(?<![^\s\"'(\[,])|(?<==)(?=[^=:\n]{{1,1000}}+:\d)){_BACKTRACE_GEM}"
    rf"(?P<path>{_BACKTRACE_ROOT}[^\s:\"'`(),\[\]<>]{{1,1000}}|<internal:[^>\s]{{1,200}}>):{LINE}{_BACKTRACE_IN}"
)
# Ruby 1.8 and RSpec print no method.
_BACKTRACE_BARE: Final = Pattern(
    rf"(?:from )?(?P<path>(?:[A-Za-z]:)?[^\s:\"'`<(][^:\"'`\n]{{0,1000}}\.(?:rb|rake|ru|erb|haml|slim)):{LINE}$"
)
# Ruby's own crash reports, and minitest's failures.
_BACKTRACE_CONTROL: Final = Pattern(
    rf"c:\d{{1,6}} p:\S{{1,10}} s:\d{{1,9}} e:[0-9a-f]{{1,9}} \w{{1,20}} +(?P<path>[^\s:][^:\n]{{0,1000}}):{LINE}"
)
_BACKTRACE_FAILED: Final = Pattern(
    rf"(?:(?P<function>[\w:]{{1,200}}#\S{{1,300}}) )?\[(?P<path>[^\s:\[\]]{{1,500}}\.rb):{LINE}\]:$"
)
# Some tools drop the quotes around the method, and a template may have no line.
_BACKTRACE_LOOSE: Final = Pattern(
    rf"(?:from )?(?P<path>{_BACKTRACE_ROOT}[^\s:\"'`(<|=][^:\"'`\n]{{0,1000}}\.(?:rb|rake|ru|erb|haml|slim|jbuilder))"
    r"(?::(?P<line>\d{1,9}))?:in ?(?P<quote>[`'‘“])?(?P<function>[\w.:#<>?!=() ]{1,200})(?(quote)['’”]|)$"
)
_BACKTRACE_TEMPLATE: Final = Pattern(
    rf"(?:from )?(?P<path>{_BACKTRACE_ROOT}[\w./@+-]{{1,300}}\.(?:erb|haml|slim)):?(?P<line>(?!))?$"
)
# Rails' pages and better_errors.
_BACKTRACE_RAISED: Final = Pattern(
    rf"Showing (?:<i>)?(?P<path>[^<>\n]{{1,500}}?)(?:</i>)? where line (?:<b>)?#{LINE}(?:</b>)? raised"
)
_BACKTRACE_COMMA: Final = Pattern(
    rf"(?P<path>{_BACKTRACE_ROOT}[\w./\\@+ -]{{1,300}}\.(?:rb|rake|erb|haml|slim)), line {LINE}$"
)
_BACKTRACE_SCRIPT: Final = Pattern(rf"from (?P<path>\.?/[^:\"'`\s]{{1,1000}}):{LINE}$")


def _read_backtrace(line: str, context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``app/shop.rb:12:in 'Shop#total'``, with a backtick before Ruby 3.4, and gems as Rails prints them."""
    matches = list(_BACKTRACE_ANY.finditer(line))
    if len(matches) <= 1 and (first := _BACKTRACE_FIRST.match(line)):
        matches = [first]
    if matches:
        return [_backtrace_span(match) for match in matches if names_a_file(match["path"])]
    if control := _BACKTRACE_CONTROL.match(line):
        return [match_span(control, "ruby")] if names_a_file(control["path"]) else []
    if failed := _BACKTRACE_FAILED.match(line):
        return [match_span(failed, "ruby", function=failed["function"])]
    if loose := _BACKTRACE_LOOSE.match(line):
        return [match_span(loose, "ruby", function=loose["function"])]
    bare = _BACKTRACE_BARE.match(line) or _BACKTRACE_SCRIPT.match(line)
    # "app/shop.rb:12" alone is no frame; RSpec writes "# " before it.
    in_a_trace = line.startswith("from ") or context.prefix.rstrip().endswith("#")
    return [match_span(bare, "ruby")] if bare and in_a_trace else None


def _backtrace_span(match: re.Match[str]) -> MatchSpan:
    language = language_of(match["path"], "ruby", "java", "elixir", "erlang")
    return match_span(match, language, function=match["function"], module=match["gem"])


BACKTRACE: Final = Notation("ruby", (":in", "from ", ".rb:", " p:"), _read_backtrace)


def _read_pages(line: str, context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``Showing app/views/cart.html.erb where line #12 raised:``, and a template below or above a backtrace."""
    match = _BACKTRACE_RAISED.match(line) or _BACKTRACE_COMMA.match(line)
    if not match and (match := _BACKTRACE_TEMPLATE.match(line)) and not _beside_a_backtrace(context):
        return None
    return [match_span(match, "ruby")] if match else None


def _beside_a_backtrace(context: ContextLines) -> bool:
    return any(_BACKTRACE_FIRST.match(line) for line in (context.before(), context.after()))


PAGES: Final = Notation("ruby_pages", ("where line ", ", line ", ".erb", ".haml", ".slim"), _read_pages)


_DEBUGGERS_SCRIPT: Final = r"(?:rb|rake|ru|erb|haml|slim|jbuilder|gemspec)"
_DEBUGGERS_PATH: Final = (
    rf"(?P<path>{_BACKTRACE_ROOT}[^\s:\"'(<][^:\"'\n]{{0,1000}}\.{_DEBUGGERS_SCRIPT}|<internal:[^>\s]{{1,200}}>)"
)
_DEBUGGERS_NAME: Final = r"(?P<function>[^\s:(#][^\n:(]{0,100}(?:::[^\n:(]{1,100}){0,20})"
_DEBUGGERS_BLOCK: Final = r"(?P<function>[^\s:(#](?:[^\n:(]|::|\(\d{1,3} levels\)){0,300}?)"
# With a text of each line, which is found faster than the pattern.
_DEBUGGERS_ROWS: Final = (
    # byebug, with a mark for frames in C, and debug.
    (
        " at ",
        Pattern(
            rf"(?:-->|=>|->|ͱ--)? ?#\d{{1,6}}\s+(?:\[C\] )?{_DEBUGGERS_BLOCK}"
            rf"(?:\([^\n]{{0,1000}}\))? at {_DEBUGGERS_PATH}:{LINE}(?= #=>|$)"
        ),
    ),
    # rbspy and stackprof, which print percentages first.
    (" - ", Pattern(rf"(?:[\d.]{{1,9}}%?\s+[\d.]{{1,9}}%?\s+)?{_DEBUGGERS_BLOCK} - {_DEBUGGERS_PATH}:{LINE}$")),
    # pry and irb.
    ("From: ", Pattern(rf"From: {_DEBUGGERS_PATH}(?::| @ line ){LINE}(?: {_DEBUGGERS_NAME})? ?:$")),
)


def _read_debuggers(line: str, _context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read byebug's ``--> #0  Shop.total(n#Integer) at /srv/shop.rb:12`` and rbspy's ``total - /srv/shop.rb:12``."""
    for text, pattern in _DEBUGGERS_ROWS:
        if text in line and (match := pattern.match(line)):
            return [match_span(match, "ruby", function=match["function"])]
    return None


DEBUGGERS: Final = Notation("ruby_debuggers", (".rb:", ".erb:", ".haml:", ".slim:", ">:", "From: "), _read_debuggers)


_JRUBY_ROW: Final = Pattern(
    rf"(?P<function>\(root\)|\S{{1,200}}) at (?P<path>(?:[A-Za-z]:)?[^\s:]{{1,1000}}\.(?:rb|java)):{LINE}$"
)
_JRUBY_CALL: Final = Pattern(
    r"(?P<module>[\w.$]{1,200})\.(?P<function>[^\s.()]{1,200})"
    rf"\((?P<path>[^\s():]{{0,1000}}/[^\s():]{{1,200}}\.(?:rb|java)):{LINE}\)$"
)


def _read_jruby(line: str, _context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``     total at /srv/app/shop.rb:12`` and ``RUBY.total(/srv/app/shop.rb:12)``."""
    match = _JRUBY_ROW.match(line) or _JRUBY_CALL.match(line)
    # Gradle prints the class of an error before the place of a test.
    if not match or match["function"].endswith(("Error", "Exception", "Failure")):
        return None
    return [match_span(match, language_of(match["path"], "ruby", "java"), function=match["function"])]


JRUBY: Final = Notation("jruby", (".rb:", ".java:"), _read_jruby)
