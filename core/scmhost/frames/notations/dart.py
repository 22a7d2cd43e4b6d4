"""Dart: the stacks of its virtual machine, of package:stack_trace and of compiled web code."""

from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import MatchSpan
from scmhost.frames.match_spans import LINE, Pattern, language_of, match_span
from scmhost.frames.notation import ContextLines, Notation

_VM_FRAME: Final = Pattern(
    r"(?<!\w)#\d{1,6}\s++(?P<function>(?:(?! #\d)[^()\n]){1,500}+)(?<= )"
    r"\((?P<path>(?:package|dart|file|org-dartlang-[\w-]+|https?):[^()\n]{1,1000}?|(?:[A-Za-z]:)?[^():\n]{1,1000}\.dart)"
    r"(?::(?P<line>\d{1,9})(?::(?P<column>\d{1,9}))?)?\)"
)
# A line of its own between frames, without a file.
_VM_SUSPENSION: Final = "<asynchronous suspension>"


def _read_vm(line: str, _context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``#1      total (package:shop/shop.dart:12:3)``."""
    spans = [match_span(match, "dart", function=match["function"].strip()) for match in _VM_FRAME.finditer(line)]
    return spans or ([] if line.endswith(_VM_SUSPENSION) else None)


VM: Final = Notation("dart", ("#", _VM_SUSPENSION), _read_vm)


_STACK_TRACE_FRAME: Final = Pattern(
    rf"(?P<path>(?:package|dart|file|org-dartlang-[\w-]+|https?):[^\s()]{{1,1000}}|[^\s():]{{1,1000}}\."
    rf"(?:dart|js)) {LINE}(?::(?P<column>\d{{1,9}})\s+|\s{{2,}})(?P<function>\S.{{0,300}})$"
)


def _read_stack_trace(line: str, _context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``package:shop/shop.dart 12:3   Shop.total``."""
    match = _STACK_TRACE_FRAME.match(line)
    if not match:
        return None
    return [match_span(match, language_of(match["path"], "dart", "javascript"), function=match["function"])]


STACK_TRACE: Final = Notation("dart_terse", (".dart ", "dart:", ".js ", "package:"), _read_stack_trace)
