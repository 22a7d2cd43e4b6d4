"""Read the frames of one line: offer it to the notations whose hints it contains, behind the right log prefix.

A line is read behind the prefixes that it shows alone. If that gives nothing, or a path or function that may have the
end of an unknown prefix in it, the line is read again behind the prefixes that it shares with its neighbours.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import repeat
from typing import Final

from .frame import MatchSpan, Pattern
from .hints import Offer
from .log_prefixes import LearnedPrefix, learned_prefixes, prefix_length, printed
from .notation import AnyNotation, ContextLines


def read_line(line: str, context: ContextLines, offer: Offer) -> Sequence[MatchSpan] | None:
    """Return the spans of the first notation that understands the line, or else of the first form of a diagnostic."""
    context.learned = None
    begin = prefix_length(line)
    prefix, body = line[:begin], printed(line, begin)
    prefixes: Sequence[LearnedPrefix] | None = None
    for notations in offer:
        context.prefix = prefix
        spans = _first(notations, body, context)
        if not spans or _is_any_doubtful(spans, body):
            if prefixes is None:
                prefixes = _learned(line, context, certain=spans == [])
            spans = _read_behind(prefixes, line, context, notations, spans)
        if spans is not None:
            return spans
    return None


def _first(notations: Sequence[AnyNotation], body: str, context: ContextLines) -> Sequence[MatchSpan] | None:
    for notation in notations:
        spans = notation.read(body, context)
        if spans is not None:
            return spans
    return None


def _read_behind(
    prefixes: Sequence[LearnedPrefix],
    line: str,
    context: ContextLines,
    notations: Sequence[AnyNotation],
    spans: Sequence[MatchSpan] | None,
) -> Sequence[MatchSpan] | None:
    """Return the spans behind the shortest learned prefix that leaves no doubt, or these spans."""
    before, chosen = context.prefix, None
    for learned in prefixes:
        context.learned, context.prefix = learned, line[: learned.end]
        body = printed(line, learned.end)
        others = _first(notations, body, context)
        doubtful = not others or _is_any_doubtful(others, body)
        if others is not None and not (doubtful and spans and not _is_better(others, spans)):
            spans, before, chosen = others, context.prefix, learned
        if not doubtful:
            break
    context.prefix, context.learned = before, chosen
    return spans


# Prefixes are learned with many comparisons, so only for lines with a line number behind a path.
_PLACE: Final = Pattern(
    r"\.[A-Za-z]\w{0,9}(?:[:(,] {0,6}\d|[\"')]{1,2},? (?:on )?line | \d{1,9}:\d|:in )|\.(?:swift|kt|mm?)\)|\.cs:\w"
    r"|[Ll]ines?:? #?\d|/[\w.-]{1,100}:\d|:\d{1,9}:in\W|@ \d|[>en]:\d|\((?:node:|\d{1,9}:\d)"
)
# The number of lines above with which a line is compared.
_NEIGHBOURS: Final = 4


def _learned(line: str, context: ContextLines, *, certain: bool) -> Sequence[LearnedPrefix]:
    """Return the prefixes that the line shares with lines above, or with the next one unless it is certainly a frame.

    A stream waits for the next line, so it is asked for only if the lines above share nothing.
    """
    if not _PLACE.search(line):
        return ()
    above = [other for steps in range(1, _NEIGHBOURS + 1) if (other := context.whole(steps))]
    found = learned_prefixes(line, above)
    if found or certain:
        return found
    following = context.following()
    return learned_prefixes(line, [following]) if following else ()


def _is_better(others: Sequence[MatchSpan], spans: Sequence[MatchSpan]) -> bool:
    """Return whether others have less of a prefix in the first path or function than these spans, or a function."""
    if not others:
        return False
    other, frame = others[0].frame, spans[0].frame
    if len(other.path) != len(frame.path):
        return len(other.path) < len(frame.path)
    if not other.function or not frame.function:
        return not frame.function and bool(other.function)
    return len(other.function) < len(frame.function) and frame.function.endswith(other.function)


_ROOTED: Final = re.compile(r"[/\\~.]|[A-Za-z]:|[a-z]{2,20}:")
_STRANGE_ROOTED: Final = re.compile(r"\s(?:[\s/\\]|(?:at|from|in) )|\]\S*\s")
# Names have blanks, bars and numbers between dashes, too, but log prefixes have them more often.
_STRANGE: Final = Pattern(r"[\s|│┃\x07]|-(?<=\d-)(?:(?<=-\d-)|(?<=-\d\d-)|(?<=-\d\d\d-))|:(?<=[\d>A-Zgt]:)\w")
_STRANGE_START: Final = Pattern(r"[^\w/\\.~<@$({]|\d+-")
_INDENTED: Final = Pattern(r"\S(?:\s\s|\t)")
_BEHIND_WORDS: Final = Pattern(r"\S(?:\s\s|\t)|[^\s:]: ")


_SPANS_AT_THE_PREFIX: Final = 8


def _is_any_doubtful(spans: Sequence[MatchSpan], body: str) -> bool:
    """Return whether a path or function may have the end of an unknown prefix in it.

    A prefix is before the first spans, and a line may have thousands of them.
    """
    if _is_doubtful(spans[0], body):
        return True
    return len(spans) > 1 and any(map(_is_doubtful, spans[1:_SPANS_AT_THE_PREFIX], repeat(body)))


def _is_doubtful(span: MatchSpan, body: str) -> bool:
    frame, start, _, lines_back = span
    if lines_back:
        return False
    path, function = frame.path, frame.function
    if _has_strange_end(path):
        return True
    # A function that is not in the line is on another one, at its beginning.
    if function:
        at = body.find(function)
        return (at <= 0 or body[max(0, at - 2) : at].isspace()) and _is_strange(function)
    behind = _INDENTED if frame.kind == "diagnostic" else _BEHIND_WORDS
    return start > 0 and behind.search(body, 0, start) is not None


def _is_strange(name: str) -> bool:
    return (_STRANGE.search(name) or _STRANGE_START.match(name)) is not None


# The frames of a trace are in few files.
@lru_cache(maxsize=512)
def _has_strange_end(path: str) -> bool:
    return _STRANGE_ROOTED.search(path) is not None if _ROOTED.match(path) else _is_strange(path)
