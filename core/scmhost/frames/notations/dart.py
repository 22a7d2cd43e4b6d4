"""Dart: the stacks of its virtual machine, of package:stack_trace and of compiled web code."""

from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import LINE, ROOT, MatchSpan, Pattern, language_of, match_span
from scmhost.frames.notation import ContextLines, Notation

_VM_FRAME: Final = Pattern(
    r"(?<!\w)#\d{1,6}\s++(?>(?P<function>(?:(?! #\d)[^()\n]){1,500}))(?<= )"
    r"\((?P<path>(?:package|dart|file|org-dartlang-[\w-]+|https?):[^()\n]{1,1000}?|(?:[A-Za-z]:)?[^():\n]{1,1000}\.dart)"
    r"(?::(?P<line>\d{1,9})(?::(?P<column>\d{1,9}))?)?\)"
)
# Other languages number their frames, too. This is in every frame of Dart, and faster to search for.
_VM_PATH: Final = Pattern(r"\((?:package|dart|file|org-dartlang-|https?:)|\.dart")
# A line of its own between frames, without a file.
_VM_SUSPENSION: Final = "<asynchronous suspension>"


def _read_vm(line: str, _context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``#1      total (package:shop/shop.dart:12:3)``."""
    frames = _VM_FRAME.finditer(line) if _VM_PATH.search(line) else ()
    spans = [match_span(match, "dart", function=match["function"].strip()) for match in frames]
    return spans or ([] if line.endswith(_VM_SUSPENSION) else None)


VM: Final = Notation("dart", ("#", _VM_SUSPENSION), _read_vm)


_STACK_TRACE_PATH: Final = (
    r"(?P<path>(?:package|file|org-dartlang-[\w-]+|https?):[^\s()]{1,1000}"
    rf"|(?:{ROOT})?[^\s():\"'<\[]{{1,1000}}\.(?:dart|js))"
)
# In columns, or with "in" where a frame is printed alone.
_STACK_TRACE_FRAME: Final = Pattern(
    rf"(?:{_STACK_TRACE_PATH}|(?P<library>dart:[\w./-]{{1,300}})) {LINE}"
    r"(?::(?P<column>\d{1,9})\s+|\s{2,}| (?=in ))(?:in )?(?P<function>\S.{0,300})$"
)
# Folded frames have no line.
_STACK_TRACE_FOLDED: Final = Pattern(
    rf"{_STACK_TRACE_PATH}(?P<line>(?!))?\s{{2,200}}(?P<function>[\w$.<>]{{1,200}}(?:\.<fn>)?)$"
)
_STACK_TRACE_ALONE: Final = Pattern(rf"{_STACK_TRACE_PATH} {LINE}:(?P<column>\d{{1,9}})$")


def _read_stack_trace(line: str, _context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``package:shop/shop.dart 12:3   Shop.total`` and ``package:shop/shop.dart 12:3 in Shop.total``."""
    if match := _STACK_TRACE_FRAME.match(line):
        group = "path" if match["path"] else "library"
        return [match_span(match, _language(match[group]), function=match["function"], group=group)]
    if (match := _STACK_TRACE_FOLDED.match(line)) and match["path"].endswith(".dart"):
        return [match_span(match, "dart", function=match["function"])]
    match = _STACK_TRACE_ALONE.match(line)
    return [match_span(match, _language(match["path"]))] if match and match["path"].endswith(".dart") else None


def _language(path: str) -> str:
    return language_of(path, "dart", "javascript")


STACK_TRACE: Final = Notation("dart_terse", (".dart ", "dart:", ".js ", "package:"), _read_stack_trace)


_FLUTTER_FAILED: Final = Pattern(
    rf"'(?P<path>(?:package|file|dart):[^'\n]{{1,1000}})': Failed assertion: line {LINE} pos"
    r" (?P<column>\d{1,9})(?!\d)"
)
# "Cart Cart:file:///srv/lib/cart.dart:12:3" repeats the widget.
_FLUTTER_WIDGET: Final = Pattern(
    r"(?:[\w$<>-]{1,200} )?(?P<function>[\w$<>]{1,200}):(?P<path>(?:file|package):[^\s():]{1,1000}\.dart)"
    rf":{LINE}:(?P<column>\d{{1,9}})$"
)


def _read_flutter(line: str, _context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``'package:shop/cart.dart': Failed assertion: line 12 pos 3``, and the widget that Flutter names."""
    if failed := _FLUTTER_FAILED.search(line):
        return [match_span(failed, "dart")]
    match = _FLUTTER_WIDGET.match(line)
    return [match_span(match, "dart", function=match["function"])] if match else None


FLUTTER: Final = Notation("dart_flutter", ("': Failed assertion: line ", ".dart:"), _read_flutter)
