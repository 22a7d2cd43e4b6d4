"""C, C++ and other compiled code: sanitizers, assertions, addr2line, Boost's and backward-cpp's stacks, and
the Linux kernel's call traces, warnings and bugs.
"""

import re
from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import (
    LINE,
    LINE_COLUMN,
    ROOT,
    Frame,
    MatchSpan,
    Pattern,
    is_source,
    looks_like_a_file,
    match_span,
    names_a_file,
    native_language,
    parse_number,
    without_arguments,
)
from scmhost.frames.notation import ContextLines, Notation


def native_span(match: re.Match[str], symbol: str, default: str, *family: str, module: str | None = None) -> MatchSpan:
    """Return the span of a match in compiled code, whose language depends on the path and the symbol."""
    language = native_language(match["path"], symbol, default, *family)
    return match_span(match, language, function=without_arguments(symbol), module=module)


_BACKWARD_FRAME: Final = Pattern(
    rf"(?:#\d{{1,6}}\s+|\|\s*)?Source \"(?P<path>[^\"\n]{{1,1000}})\", line {LINE}, in (?P<symbol>.{{1,1000}}?)"
    r"(?: \[0x[0-9a-f]+\])?$"
)


def _read_backward(line: str, _context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read backward-cpp's ``#3 Source "/srv/shop.cpp", line 12, in total``."""
    match = _BACKWARD_FRAME.match(line)
    return [native_span(match, match["symbol"], "cpp", "c")] if match else None


BACKWARD: Final = Notation("backward", ('Source "',), _read_backward)


_ADDRESSES_FAMILY: Final = ("c", "cpp", "rust", "swift", "objectivec")
# addr2line with functions, which may print no address.
_ADDRESSES_DISCRIMINATOR: Final = Pattern(
    rf"(?P<symbol>[^\n]{{1,1000}}?) at (?P<path>(?:{ROOT})?[^\s:][^:\n]{{0,1000}}):{LINE} \(discriminator \d+\)$"
)
_ADDRESSES_HEAD: Final = Pattern(
    r"(?:\d{1,6}# (?:0x[0-9a-f]{1,16} in )?|0x[0-9a-f]{1,16}: |\(inlined by\) )(?P<symbol>\S.*)$"
)
_ADDRESSES_PATH_LINE: Final = Pattern(
    rf"(?P<path>(?:{ROOT})?[^\s:][^:\n]{{0,1000}}):{LINE_COLUMN}(?: \[0x[0-9a-f]+\]| \(discriminator \d+\))?$"
)
# glibc and Ruby: the binary with a symbol, then its file if that is known.
_ADDRESSES_GLIBC: Final = Pattern(
    r"(?:\.?/[^()\n]{0,500}+|[\w.-]{1,100}+)\((?P<symbol>[^()+\s]{0,300}+)(?:\+0x[0-9a-f]+)?\) \[0x[0-9a-f]+\]"
    rf" (?P<path>[^\s:][^:\n]{{0,500}}\.[a-z]{{1,3}}):{LINE}$"
)


def _read_addresses(line: str, _context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read `` 1# shop::total(int) at /srv/shop.cpp:12`` of Boost, the standard library and addr2line."""
    if "[0x" in line and (match := _ADDRESSES_GLIBC.match(line)):
        return [
            match_span(
                match,
                native_language(match["path"], match["symbol"], *_ADDRESSES_FAMILY),
                function=match["symbol"],
            )
        ]
    head, _, tail = line.rpartition(" at ")
    symbol = _ADDRESSES_HEAD.match(head)
    match = symbol and _ADDRESSES_PATH_LINE.match(line, len(line) - len(tail))
    if not symbol and "(discriminator " in line and (match := _ADDRESSES_DISCRIMINATOR.match(line)):
        symbol = match
    if not symbol or not match or not looks_like_a_file(match["path"]):
        return None
    return [native_span(match, symbol["symbol"], "cpp", *_ADDRESSES_FAMILY)]


ADDRESSES: Final = Notation("addresses", (" at ", ") [0x"), _read_addresses)


_SANITIZERS_FAMILY: Final = ("c", "cpp", "objectivec", "swift", "rust", "go")
# Mozilla's fix_stacks: "#01: total (/srv/cart.cpp:12)".
_SANITIZERS_FIXED: Final = Pattern(
    rf"#\d{{1,6}}: (?P<symbol>[^\n]{{1,1000}}?) \((?P<path>(?:{ROOT})?[^():\n]{{1,1000}}):{LINE_COLUMN}\)$"
)
_SANITIZERS_HEAD: Final = Pattern(r"#\d{1,6}:?\s+(?P<address>0x[0-9a-f]{1,16}\s+)?(?:in )?(?=\S)")
_SANITIZERS_BINARY: Final = Pattern(r"(?<!\s)\s++\((?:BuildId: )?[^()\s]{1,500}\)(?:\s+\(BuildId: [0-9a-f]{1,64}\))?$")
_SANITIZERS_LINE: Final = Pattern(r":(?P<line>\d{1,9})(?::(?P<column>\d{1,9}))?\]?$")
_SANITIZERS_PATH: Final = Pattern(rf"\s(?:(?={ROOT})|\[?(?=[A-Za-z]:[\\/]|\.{{0,2}}/|~/))")
_SANITIZERS_ROOT: Final = Pattern(ROOT)
# A relative path with blanks begins after a list of arguments.
_SANITIZERS_ARGUMENTS: Final = Pattern(r"\)(?: const)?(?: noexcept)? (?=[^\s)])")


def _read_sanitizers(line: str, _context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``#1 0x4cd963 in shop::total(int) /srv/shop.cc:12:5``, as Chromium prints it, too."""
    head = _SANITIZERS_HEAD.match(line)
    if not head:
        return None
    if fixed := _SANITIZERS_FIXED.match(line):
        return [native_span(fixed, fixed["symbol"], "cpp", *_SANITIZERS_FAMILY)]
    tail = _SANITIZERS_BINARY.search(line)
    rest = line[: tail.start()] if tail else line
    number = _SANITIZERS_LINE.search(rest)
    if number:
        return _sanitizers_span(rest, head, number, certain=bool(head["address"] or tail))
    return [] if head["address"] else None


def _sanitizers_span(
    line: str, head: re.Match[str], number: re.Match[str], *, certain: bool
) -> Sequence[MatchSpan] | None:
    """Find where the path between a number and a line begins; both the symbol and the path may have blanks.

    Args:
        line: the line without the binary at its end.
        head: the number and the address.
        number: the line number.
        certain: whether the line has an address or a binary, and so can be nothing but a frame.
    """
    rooted = _SANITIZERS_PATH.search(line, head.end() - 1, number.start())
    rooted = rooted or _SANITIZERS_ARGUMENTS.search(line, head.end(), number.start())
    start = rooted.end() if rooted else line.rfind(" ", head.end(), number.start()) + 1
    start += line.startswith("[", start) and not _SANITIZERS_ROOT.match(line, start)
    path = line[start : number.start()]
    symbol = line[head.end() : start].rstrip(" [")
    if not path or not symbol or not names_a_file(path) or not (certain or (rooted and is_source(path))):
        return [] if certain else None
    language = native_language(path, symbol, "cpp", *_SANITIZERS_FAMILY)
    frame = Frame(
        path, parse_number(number["line"]), parse_number(number["column"]), without_arguments(symbol), language=language
    )
    return [MatchSpan(frame, start, number.end("line"))]


SANITIZERS: Final = Notation("sanitizers", ("#",), _read_sanitizers)


_ASSERTIONS_PATH: Final = rf"(?P<path>(?:{ROOT})?[^\s:\"'(,][^:\"'(,\n]{{0,500}}\.[A-Za-z][\w+]{{0,5}})"
# The group (?!) never matches: it gives the rows without a function the same groups as the others.
_ASSERTIONS_ROWS: Final = (
    # In this order: glibc; BSD and macOS; newlib; Microsoft and Qt; UBSan.
    Pattern(rf"(?:.{{0,200}}: )?{_ASSERTIONS_PATH}:{LINE}: (?P<function>[^\n]{{1,500}}?): Assertion "),
    Pattern(
        r".{0,200}?Assertion failed: .{0,500}, function (?P<function>.{1,300}?), "
        rf"file {_ASSERTIONS_PATH}, line {LINE}"
    ),
    Pattern(
        rf"assertion \".{{0,500}}\" failed: file \"{_ASSERTIONS_PATH}\", line {LINE}"
        r"(?:, function: (?P<function>.{1,300}))?$"
    ),
    Pattern(
        rf"(?:Assertion failed: |ASSERT: ).{{0,500}}(?:,| in) file {_ASSERTIONS_PATH}, line {LINE}(?P<function>(?!))?"
    ),
    Pattern(rf"{_ASSERTIONS_PATH}:{LINE_COLUMN}: runtime error: (?P<function>(?!))?"),
    # musl and emscripten.
    Pattern(
        rf"Assertion failed: .{{0,500}} \((?P<path>(?:{ROOT})?[^\s:()][^:()\n]{{0,500}}):"
        rf" (?P<function>[^\n]{{1,300}}?): {LINE}\)$"
    ),
    Pattern(
        rf".{{0,200}}?Assertion failed: .{{0,500}}, at: {_ASSERTIONS_PATH}, ?{LINE}, ?(?P<function>[^\n]{{1,300}}?)\)?$"
    ),
)


def _read_assertions(line: str, _context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``shop: shop.c:12: total: Assertion `n' failed``."""
    match = next((match for pattern in _ASSERTIONS_ROWS if (match := pattern.match(line))), None)
    if not match:
        return None
    return [native_span(match, match["function"] or "", "c", "cpp", "objectivec")]


ASSERTIONS: Final = Notation("assertions", ("ssert", "ASSERT", ": runtime error: "), _read_assertions)


_KERNEL_PATH: Final = r"(?P<path>[\w./+-]{1,300}/[\w.+-]{1,100}\.(?:[chS]|rs))"
_KERNEL_FRAME: Final = Pattern(
    rf"(?:RIP: [0-9a-f]{{4}}:)?(?:\? )?(?!at )(?P<function>[\w.]{{1,200}})"
    rf"(?P<offset>\+0x[0-9a-f]+/0x[0-9a-f]+)? {_KERNEL_PATH}:{LINE}(?P<inline> \[inline\])?$"
)
_KERNEL_DECODED: Final = Pattern(
    rf"(?:RIP: [0-9a-f]{{4}}:)?(?:\? )?(?P<function>[\w.]{{1,200}}) \((?:\S{{1,300}}/)??{_KERNEL_PATH}:{LINE}(?: "
    r"\(discriminator \d+\))?[^()]*\)"
)
_KERNEL_WARNING: Final = Pattern(
    rf"(?:.{{0,100}}\bPID: \d+ at|kernel BUG at) {_KERNEL_PATH}:{LINE}(?:!| (?P<function>[\w.]{{1,200}})\+0x)"
)


def _read_linux_kernel(line: str, _context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``dump_stack+0x1fd/0x2d9 lib/dump_stack.c:118``."""
    match = _KERNEL_FRAME.match(line)
    # Paths of the kernel are relative; "name /path.c:12" without an offset is any other program's.
    if match and not (match["offset"] or match["inline"] or match["path"][0] != "/"):
        return None
    match = match or _KERNEL_DECODED.match(line) or _KERNEL_WARNING.match(line)
    return [match_span(match, "c", function=match["function"])] if match else None


LINUX_KERNEL: Final = Notation("linux_kernel", (".c:", ".h:", ".S:", ".rs:"), _read_linux_kernel)
