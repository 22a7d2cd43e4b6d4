"""Places that loggers print before a message: glog, klog, Chromium and others; and the summary of a sanitizer."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from scmhost.frames.frame import MatchSpan
from scmhost.frames.match_spans import (
    LINE,
    LINE_COLUMN,
    ROOT,
    Pattern,
    is_source,
    known_language,
    match_span,
    names_a_file,
)
from scmhost.frames.notation import ContextLines, Notation

from .native import native_span

_ROWS: Final = (
    # glog, absl and klog: "E0102 15:04:05.123456 1234 cart.cc:12] no price".
    Pattern(
        r"[IWEF](?:\d{4}|\d{8}) \d\d:\d\d:\d\d\.\d{1,9}\s{1,9}\d{1,9} "
        rf"(?P<path>[^\s:()\[\]]{{1,300}}):{LINE}(?P<column>(?!))?\] ?(?P<message>.*)"
    ),
    # Chromium and Electron: "[1234:5678:0102/150405.123456:ERROR:cart.cc(12)] no price".
    Pattern(
        r"\[(?:[\d:/.]{1,60}:)?(?:VERBOSE\d|[A-Z]{4,9}):"
        rf"(?P<path>[^\s:()\[\]]{{1,300}})\({LINE}(?P<column>(?!))?\)\] ?(?P<message>.*)"
    ),
    # Rust's dbg! and many loggers: "[src/cart.rs:12:5] n = 3".
    Pattern(rf"(?:.{{0,200}}?\s)?\[(?P<path>[^\s:()\[\]\"'<>]{{1,300}}):{LINE_COLUMN}\] ?(?P<message>.*)"),
)


def _read_logs(line: str, context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``E0102 15:04:05.123456 1234 cart.cc:12] no price``, ``[..:ERROR:cart.cc(12)]`` and ``[src/cart.rs:12]``."""
    # The place in brackets looks like a log's prefix, which was removed.
    whole = context.prefix + line
    start = len(context.prefix) - len(context.prefix.lstrip())
    match = next((match for pattern in _ROWS if (match := pattern.match(whole, start))), None)
    if not match or not is_source(match["path"]):
        return None
    span = match_span(match, known_language(match["path"]) or "cpp")
    frame = replace(span.frame, kind="diagnostic", message=match["message"] or None)
    return [MatchSpan(frame, span.start - len(context.prefix), span.end - len(context.prefix))]


LOGS: Final = Notation("logs", ("] ",), _read_logs)


_SUMMARY: Final = Pattern(
    rf"SUMMARY: \w{{1,40}}Sanitizer: [^\n]{{1,100}}? (?P<path>(?:{ROOT}|/|\./|\.\./)[^:\n]{{1,1000}}?"
    rf"|[^\s:()]{{1,300}}\.[A-Za-z]\w{{0,5}}):{LINE_COLUMN} in ?(?P<function>.*)"
)


def _read_summary(line: str, _context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``SUMMARY: AddressSanitizer: heap-use-after-free /srv/shop.cc:12:5 in total(int)``."""
    match = _SUMMARY.match(line)
    if not match or not names_a_file(match["path"]):
        return None
    span = native_span(match, match["function"], "cpp", "c", "rust", "go", "swift", "objectivec")
    return [span._replace(frame=replace(span.frame, kind="diagnostic"))]


SUMMARY: Final = Notation("logs_summary", ("SUMMARY: ",), _read_summary)
