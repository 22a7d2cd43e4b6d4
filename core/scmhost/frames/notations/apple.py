"""Apple: crash reports, also Kotlin/Native's, and Swift's runtime failures and backtraces."""

import re
from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import (
    LINE,
    LINE_COLUMN,
    ROOT,
    MatchSpan,
    Pattern,
    language_of,
    match_span,
    names_a_file,
    without_arguments,
)
from scmhost.frames.notation import ContextLines, Notation

_CRASH_FAMILY: Final = ("swift", "objectivec", "c", "cpp", "kotlin")
# Reports without line numbers name the file only.
_CRASH_FILE: Final = (
    rf"\((?P<path>[^():\n]{{1,1000}})(?::{LINE_COLUMN}|(?<=\.swift)|(?<=\.m)|(?<=\.mm)|(?<=\.c)|(?<=\.cpp)|(?<=\.kt))\)"
)
_CRASH_FRAME: Final = Pattern(
    r"(?:at )?\d{1,6}\s+(?P<module>\S[^\n]{0,200}?)\s+0x[0-9a-f]{4,16}\s+(?P<symbol>\S[^\n]{0,1000}?)"
    rf"(?: \(in [^()\n]{{1,200}}\))?(?: \+ \d{{1,9}})? {_CRASH_FILE}"
)
# The output of atos has neither a number nor an address.
_CRASH_ATOS: Final = Pattern(
    rf"(?P<symbol>\S[^\n]{{0,1000}}?) \(in (?P<module>[^()\n]{{1,200}})\)(?: \+ \d{{1,9}})? {_CRASH_FILE}"
)
# A report that was copied from the window of Xcode has no numbers and addresses.
_CRASH_SYMBOL: Final = Pattern(
    r"(?P<symbol>\S[^\n]{0,1000}?) \+ \d{1,9} "
    rf"\((?P<path>[^():\n]{{1,300}}\.(?:swift|mm?|c|cc|cpp|h))(?::{LINE})?\)$"
)
# Without a file; the line belongs to a crash report all the same.
_CRASH_BINARY: Final = Pattern(r"\d{1,6}\s+\S[^\n#:]{0,200}?\s+0x[0-9a-f]{8,16}\s+\S")


def _read_crash_report(line: str, _context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``3   Shop   0x0001 -[Shop total] + 52 (Shop.m:12)``, and the output of atos."""
    match = _CRASH_FRAME.match(line) or _CRASH_ATOS.match(line)
    if match and names_a_file(match["path"]):
        return [_crash_span(match, match["module"].strip())]
    # Behind an unknown prefix the number and the address would be taken for a part of the symbol.
    if (match := _CRASH_SYMBOL.match(line)) and " 0x" not in match["symbol"]:
        return [_crash_span(match)]
    return [] if _CRASH_BINARY.match(line) else None


def _crash_span(match: re.Match[str], module: str | None = None) -> MatchSpan:
    language = language_of(match["path"], "objectivec", *_CRASH_FAMILY)
    return match_span(match, language, function=without_arguments(match["symbol"]), module=module)


CRASH_REPORT: Final = Notation("apple", ("0x", "(in ", " + "), _read_crash_report)


_SWIFT_PATH: Final = rf"(?P<path>(?:{ROOT})?[^\s:\"'(<\[][^:\"'(\n]{{0,500}}\.swift)"
_SWIFT_FAULT: Final = r"(?:[Ff]atal error|[Pp]recondition failed|[Aa]ssertion failed)"
_SWIFT_THROWN: Final = Pattern(rf"\bfile {_SWIFT_PATH}, line {LINE}")
_SWIFT_FIRST: Final = Pattern(rf"(?:.{{0,200}}\s)??{_SWIFT_PATH}:{LINE}: {_SWIFT_FAULT}")
_SWIFT_BACKTRACE: Final = Pattern(
    rf"\d{{1,6}}(?: \[[a-z. ]{{1,30}}\])*\s+(?:0x[0-9a-f]{{4,16}} )?(?P<symbol>.{{1,1000}}?)(?: \+ \d{{1,9}})? in"
    rf" (?P<module>\S{{1,200}}) at (?P<path>[^\s:][^:\n]{{0,500}}):{LINE_COLUMN}$"
)
_SWIFT_SERVER: Final = Pattern(
    rf"0x[0-9a-f]{{4,16}}, (?P<symbol>\S.{{0,1000}}?) at (?P<path>[^\s:][^:\n]{{0,500}}\.swift):{LINE}$"
)


def _read_swift(line: str, _context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``Fatal error: ...: file Shop/Cart.swift, line 12``, and backtraces on Linux."""
    if match := _SWIFT_BACKTRACE.match(line):
        return [match_span(match, "swift", function=without_arguments(match["symbol"]), module=match["module"])]
    if match := _SWIFT_SERVER.match(line):
        return [match_span(match, "swift", function=without_arguments(match["symbol"]))]
    match = _SWIFT_THROWN.search(line) or _SWIFT_FIRST.match(line)
    return [match_span(match, "swift")] if match else None


SWIFT: Final = Notation("swift", (".swift",), _read_swift)
