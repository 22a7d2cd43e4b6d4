"""Python: tracebacks, and what IPython, pdb, py-spy, gdb, Django, pytest and Rich print instead."""

import re
from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import LINE, ROOT, Frame, MatchSpan, Pattern, match_span, names_a_file
from scmhost.frames.notation import MAX_LINES_BACK, ContextLines, Notation

# In JSON the quotes are escaped.
_TRACEBACK_FRAME: Final = Pattern(
    rf"""\bFile \\{{0,3}}(?P<quote>["']|&quot;)(?P<path>[^"'\n]{{1,2000}}?)\\{{0,3}}(?P=quote), line {LINE}"""
    r"""(?:, col(?:umn)? \d{1,9})?(?:,? in (?P<function>top-level template code|block \\?["'][^"'\\\n]{1,100}\\?["']"""
    r"""|[^\s"'\\,]{1,300}?(?=</|[\s"'\\,]|$)))?"""
)
_TRACEBACK_BELOW: Final = Pattern(r"(?P<function>[\w<>.]{1,300})$")


def _read_traceback(line: str, context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``File "app/views.py", line 3, in show``; faulthandler leaves the last comma out.

    A SyntaxError has no function. What precedes ``File`` may be anything, such as the bars of exception groups.
    """
    matches = list(_TRACEBACK_FRAME.finditer(line))
    if not matches:
        return None
    # A narrow terminal, or Rich, has the function on the line below.
    below = _TRACEBACK_BELOW.match(context.after()) if line.endswith(", in") else None
    broken = below["function"] if below else None
    return [
        match_span(match, "python", function=match["function"] or broken)
        for match in matches
        if names_a_file(match["path"])
    ]


TRACEBACK: Final = Notation("python", (", line ",), _read_traceback)


_DEBUGGERS_GDB: Final = Pattern(
    rf"#\d{{1,6}}\s+(?:Frame 0x[0-9a-f]{{1,16}})?, for file (?P<path>[^,\n]{{1,2000}}), line {LINE}, in"
    rf" (?P<function>[^\s(]{{1,300}})"
)
_DEBUGGERS_PDB: Final = Pattern(rf"(?P<path>[^:()\"']{{1,2000}}\.py)\({LINE}\)(?P<function>[\w<>.]{{1,300}})\(\)")
_DEBUGGERS_PY_SPY: Final = Pattern(
    rf"(?P<function>[^\s()@:]{{1,300}}) \((?P<path>[^():\n]{{1,500}}\.pyx?):{LINE}\)(?: \([a-z+]{{1,30}}\))?$"
)
# pyinstrument has times and columns; Django's pages and stackprinter have neither quotes nor parentheses.
_DEBUGGERS_PYINSTRUMENT: Final = Pattern(
    r"(?:[│├└─`|\- ]{0,200})\d{1,9}\.\d{1,6} (?P<function>\S{1,300})\s{2,200}"
    rf"(?P<path>[^\s:]{{1,500}}\.py):{LINE}$"
)
_DEBUGGERS_PLAIN: Final = Pattern(
    rf"(?:File )?(?P<path>(?:{ROOT})?[^\s:,\"'<(\[][^:,\"'<(\n]{{0,500}}\.pyx?), line {LINE},"
    r" in (?P<function>[^\s(]{1,300})"
)


def _read_debuggers(line: str, _context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read gdb's ``Frame 0x7f, for file x.py, line 3, in f ()``, pdb's ``x.py(3)f()``, and py-spy's ``f (x.py:3)``."""
    match = _DEBUGGERS_GDB.match(line) or _DEBUGGERS_PDB.match(line) or _DEBUGGERS_PY_SPY.match(line)
    match = match or _DEBUGGERS_PYINSTRUMENT.match(line) or _DEBUGGERS_PLAIN.match(line)
    if not match:
        return None
    return [match_span(match, "python", function=match["function"])] if names_a_file(match["path"]) else []


DEBUGGERS: Final = Notation("python_debuggers", (" for file ", ".py(", ".py:", ".pyx:", ", line "), _read_debuggers)


_IPYTHON_FILE: Final = Pattern(
    rf"File (?P<path>(?:{ROOT}|[A-Za-z]:)?[^:\"\s][^:\"\n]{{0,1000}}):{LINE}, in (?P<function>[^\s(]{{1,300}})"
)
_IPYTHON_ARROW: Final = Pattern(r"-{2,}> ?(?P<line>\d{1,9})(?: |$)")
_IPYTHON_CODE: Final = Pattern(r"\d{1,9}(?: |$)|$")
_IPYTHON_PATH: Final = Pattern(
    r"(?P<path>(?:[A-Za-z]:)?[^\s:<(\"][^:<\"\n]{0,1000}?\.py[xdi]?|[^\s:]+\.pxi) in"
    r" (?P<function>[^\s(]{1,300})(?:\(|$)"
)
_IPYTHON_COMPILED: Final = (".pyx", ".pxi", ".pxd")


def _read_ipython(line: str, context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``File ~/x.py:12, in f(a)``, or the arrow that older versions print some lines below the path.

    Before version 8:

        ~/x.py in f(a)
             10 def f(a):
        ---> 11     return g(a)
    """
    if match := _IPYTHON_FILE.match(line):
        return [match_span(match, "python", function=match["function"])] if names_a_file(match["path"]) else []
    if match := _IPYTHON_ARROW.match(line):
        return _ipython_above(int(match["line"]), context)
    match = _IPYTHON_PATH.match(line)
    # IPython shows no lines of compiled code, so no arrow follows.
    return [_ipython_span(match, None, 0)] if match and match["path"].endswith(_IPYTHON_COMPILED) else None


def _ipython_above(line: int, context: ContextLines) -> Sequence[MatchSpan] | None:
    """Return the frame whose path is above an arrow, with only lines of code between."""
    for back in range(1, MAX_LINES_BACK + 1):
        above = context.before(back)
        if match := _IPYTHON_PATH.match(above):
            return None if match["path"].endswith(_IPYTHON_COMPILED) else [_ipython_span(match, line, back)]
        if not _IPYTHON_CODE.match(above):
            return None
    return None


def _ipython_span(match: re.Match[str], line: int | None, lines_back: int) -> MatchSpan:
    frame = Frame(match["path"], line, function=match["function"], language="python")
    return MatchSpan(frame, *match.span("path"), lines_back)


IPYTHON: Final = Notation("ipython", ("-> ", "File ", ".pyx in ", ".pxi in "), _read_ipython)


_DJANGO_FILE: Final = Pattern(r'File "(?P<path>[^"\n]{1,2000})" in (?P<function>\S{1,300})$')
_DJANGO_CODE: Final = Pattern(r"(?P<line>\d{1,9})\. ")


def _read_django(line: str, context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``File "/srv/app/views.py" in show`` of Django's error pages; the line number is on the line below."""
    match = _DJANGO_FILE.match(line)
    if not match:
        return None
    below = _DJANGO_CODE.match(context.after())
    number = int(below["line"]) if below else None
    frame = Frame(match["path"], number, function=match["function"], language="python")
    return [MatchSpan(frame, *match.span("path"))] if names_a_file(match["path"]) else []


DJANGO: Final = Notation("python_django", ('" in ',), _read_django)


# A linter's "app.py:12: error: ..." has more words, and is not a frame.
_PYTEST_FRAME: Final = Pattern(
    rf"(?P<path>(?:{ROOT})?[^\s:\"'<>|][^:\"<>|]{{0,1000}}\.pyx?):{LINE}"
    r":(?: ?in (?P<function>\S.*)| ?(?:[A-Za-z_]\w*\.)*[A-Z]\w*)?$"
)


def _read_pytest(line: str, _context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``tests/test_shop.py:12: in test_total`` and ``tests/test_shop.py:12: AssertionError``."""
    match = _PYTEST_FRAME.match(line)
    return [match_span(match, "python", function=match["function"])] if match else None


PYTEST: Final = Notation("pytest_short", (".py:", ".pyx:"), _read_pytest)


_RICH_FRAME: Final = Pattern(
    rf"(?P<path>(?:[A-Za-z]:[\\/])?[^\s:\"'<>|][^:\"<>|]{{0,1000}}\.pyx?):{LINE} in (?P<function>[\w<>.]+)\s*[│|]?$"
)


def _read_rich(line: str, _context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``│ /srv/app/shop.py:12 in total          │``."""
    match = _RICH_FRAME.match(line)
    return [match_span(match, "python", function=match["function"])] if match else None


RICH: Final = Notation("rich", (".py:",), _read_rich)
