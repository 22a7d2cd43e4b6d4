"""Debuggers and Valgrind: gdb, lldb, WinDbg, and Chromium's stacks on Windows."""

from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import (
    LINE,
    LINE_COLUMN,
    ROOT,
    MatchSpan,
    Pattern,
    is_source,
    looks_like_a_file,
    match_span,
    names_a_file,
)
from scmhost.frames.notation import MAX_LINES_BACK, ContextLines, Notation

from .native import native_span

# The first language of a family is the default.
_GDB_FAMILY: Final = ("c", "cpp", "objectivec", "rust", "go", "swift")
_GDB_PATH_LINE: Final = Pattern(
    rf"(?P<path>(?:{ROOT})?(?=[^:\n]{{0,1000}}[A-Za-z])[^\s:\[(\"'<][^:\"<>\n]{{0,1000}}):{LINE_COLUMN}$"
)
_GDB_HEAD: Final = Pattern(r"#\d{1,6}\s+(?:0x[0-9a-f]{1,16} in )?(?P<symbol>\S.*)$")
# At a breakpoint gdb prints the function without the number of a frame.
_GDB_STOP: Final = Pattern(
    r"(?:(?:Temporary )?[Bb]reakpoint \d+, )?(?:0x[0-9a-f]{1,16} in )?"
    r"(?P<symbol>[^\s(#](?>[^#]*? \()(?=[^\n]*\)$)(?:[^#]|#(?!\d{1,6}\s))*)$"
)


def _read_gdb(line: str, context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``#1  0x0000555 in total (n=3) at shop.c:12``, which may be wrapped over several lines."""
    if not line[-1:].isdigit():
        return None
    # The blank in front lets a wrapped line begin with "at".
    head, separator, location = f" {line}".rpartition(" at ")
    match = _GDB_PATH_LINE.match(line, len(line) - len(location))
    if not separator or not match or not _gdb_names_source(match["path"]):
        return None
    symbol, numbered = _gdb_symbol(head[1:], context)
    if symbol is None or not (numbered or is_source(match["path"])):
        return None
    return [native_span(match, symbol, *_GDB_FAMILY)]


def _gdb_names_source(path: str) -> bool:
    return looks_like_a_file(path) or (names_a_file(path) and not path[-1].isdigit())


def _gdb_symbol(head: str, context: ContextLines) -> tuple[str | None, bool]:
    """Return the symbol, and whether its line has the number of a frame."""
    if numbered := _GDB_HEAD.match(head):
        return numbered["symbol"], True
    # More parentheses are closed than opened: the frame began on a line above.
    if not head or head.count(")") > head.count("("):
        return _gdb_symbol_above(context), True
    stopped = _GDB_STOP.match(head)
    return stopped["symbol"] if stopped else None, False


def _gdb_symbol_above(context: ContextLines) -> str | None:
    for back in range(1, MAX_LINES_BACK + 1):
        above = context.before(back)
        if numbered := _GDB_HEAD.match(above):
            return str(numbered["symbol"])
        # An empty line, or a frame with its own file, ends the search.
        if not above or " at " in above:
            break
    return None


GDB: Final = Notation("gdb", ("at ",), _read_gdb)


_MACHINE: Final = Pattern(
    r"[^\n]{0,500}?\bframe=\{[^\n]{0,500}?func=\"(?P<symbol>[^\"\n]{1,500})\",[^\n]{0,500}?file=\"[^\"\n]{1,500}\","
    rf"fullname=\"(?P<path>[^\"\n]{{1,1000}})\",line=\"{LINE}\""
)


def _read_machine(line: str, _context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read gdb's machine interface: ``frame={func="total",args=[],file="shop.c",fullname="/shop.c",line="12"}``."""
    match = _MACHINE.match(line)
    return [native_span(match, match["symbol"], *_GDB_FAMILY)] if match else None


MACHINE: Final = Notation("gdb_machine", (',line="',), _read_machine)


_LLDB_FAMILY: Final = ("c", "cpp", "objectivec", "swift", "rust", "go")
_LLDB_HEAD: Final = Pattern(
    r"(?:.{0,40}\s)?frame \\?#\d{1,6}: (?:0x[0-9a-f]{1,16} )?(?P<module>[^`\n]{1,300}?)\\?`(?P<symbol>.{1,2000})$"
)
_LLDB_PATH_LINE: Final = Pattern(rf"(?P<path>[^\s:][^:\n]{{0,1000}}):{LINE_COLUMN}(?= \[[a-z ]+\]|\s*$)")
_LLDB_OFFSET: Final = Pattern(r" \+ \d{1,9}$")


def _read_lldb(line: str, _context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``frame #1: 0x0001 shop`total(n=3) at shop.c:12:5``."""
    head, _, tail = line.rpartition(" at ")
    if match := head and _LLDB_HEAD.match(head):
        location = _LLDB_PATH_LINE.match(line, len(line) - len(tail))
        if location and names_a_file(location["path"]):
            symbol = _LLDB_OFFSET.sub("", match["symbol"])
            return [native_span(location, symbol, *_LLDB_FAMILY, module=match["module"])]
    return [] if _LLDB_HEAD.match(line) else None


LLDB: Final = Notation("lldb", ("frame ",), _read_lldb)


_WINDOWS_WINDBG: Final = Pattern(
    rf"(?:[^\n]{{0,200}}\s)?(?P<module>[\w.-]{{1,100}})!(?P<symbol>[^\n\[]{{1,500}}?)(?:\+(?:0x)?[0-9a-f`]+)? \["
    rf"(?P<path>[^\]\n]{{1,1000}}) @ {LINE}\]"
)
_WINDOWS_CHROMIUM: Final = Pattern(
    rf"(?P<symbol>\S[^\n]{{0,500}}?) \[0x[0-9A-Fa-f]+\+\d+\] \((?P<path>[^()\n]{{1,1000}}):{LINE}\)$"
)
# Breakpad: "0  shop!total(int) [cart.cpp : 12 + 0x5]".
_WINDOWS_BREAKPAD: Final = Pattern(
    r"\d{1,6}\s{1,4}(?P<module>[\w.+-]{1,100})!(?P<symbol>[^\n\[]{1,1000}?) "
    rf"\[(?P<path>[^\]\n]{{1,1000}}?) : {LINE}(?: \+ 0x[0-9a-f]{{1,16}})?\]"
)
# Microsoft's std::stacktrace: "0> C:\cart.cpp(12): shop!total+0x1D".
_WINDOWS_STACKTRACE: Final = Pattern(
    rf"\d{{1,6}}> (?P<path>[^\n(]{{1,1000}})\({LINE}\): (?P<module>[\w.-]{{1,100}})!(?P<symbol>[^\n]{{1,500}}?)"
    r"\+0x[0-9A-F]{1,16}$"
)


def _read_windows(line: str, _context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read WinDbg's ``shop!total+0x1d [c:/shop.cpp @ 12]`` and Chromium's ``total [0x0+1] (shop.cc:12)``."""
    if match := _WINDOWS_WINDBG.match(line):
        return [native_span(match, match["symbol"], "cpp", "c", "rust", module=match["module"])]
    match = _WINDOWS_CHROMIUM.match(line)
    if not match and (other := _WINDOWS_BREAKPAD.match(line) or _WINDOWS_STACKTRACE.match(line)):
        return [native_span(other, other["symbol"], "cpp", "c", "rust", module=other["module"])]
    return [native_span(match, match["symbol"], "cpp", "c", "rust")] if match else None


WINDOWS: Final = Notation("windows", ("!", "] ("), _read_windows)


_CHROMIUM: Final = Pattern(
    r"\[(?:[\d:/.]{1,60}:)?(?:VERBOSE\d|[A-Z]{4,9}):"
    rf"(?P<path>[^\s:()\[\]]{{1,300}})\({LINE}\)\] (?P<message>.*)"
)


def _read_chromium(line: str, context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``[1234:5678:0102/150405.123456:ERROR:cart.cc(12)] no price``, which Chromium and Electron log."""
    # These brackets look like a log's prefix, which was removed.
    prefix = context.prefix
    match = _CHROMIUM.search(prefix + line)
    if not match or not is_source(match["path"]):
        return None
    span = match_span(match, "cpp")
    frame = span.frame._replace(kind="diagnostic", message=match["message"] or None)
    return [MatchSpan(frame, span.start - len(prefix), span.end - len(prefix))]


CHROMIUM: Final = Notation("windows_chromium", (")] ",), _read_chromium)


_VALGRIND_FRAME: Final = Pattern(
    rf"(?:at|by) 0x[0-9A-Fa-f]{{1,16}}: (?P<symbol>.{{1,2000}}) \((?P<path>[^():\n]{{1,1000}}):{LINE}\)$"
)
_VALGRIND_BINARY: Final = Pattern(r"(?:at|by) 0x[0-9A-Fa-f]{1,16}: ")


def _read_valgrind(line: str, _context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``at 0x4C2FB0F: malloc (vg_replace_malloc.c:299)``."""
    if match := _VALGRIND_FRAME.match(line):
        return [native_span(match, match["symbol"], "c", "cpp", "rust")]
    return [] if _VALGRIND_BINARY.match(line) else None


VALGRIND: Final = Notation("valgrind", ("at 0x", "by 0x"), _read_valgrind)
