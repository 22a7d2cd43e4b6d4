"""The Linux kernel: call traces with sources, warnings and bugs."""

from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import MatchSpan
from scmhost.frames.match_spans import LINE, Pattern, match_span
from scmhost.frames.notation import ContextLines, Notation

_PATH: Final = r"(?P<path>[\w./+-]{1,300}/[\w.+-]{1,100}\.(?:[chS]|rs))"
_FRAME: Final = Pattern(
    rf"(?:RIP: [0-9a-f]{{4}}:)?(?:\? )?(?!at )(?P<function>[\w.]{{1,200}})"
    rf"(?P<offset>\+0x[0-9a-f]+/0x[0-9a-f]+)? {_PATH}:{LINE}(?P<inline> \[inline\])?$"
)
_DECODED: Final = Pattern(
    rf"(?:RIP: [0-9a-f]{{4}}:)?(?:\? )?(?P<function>[\w.]{{1,200}}) \((?:\S{{1,300}}/)??{_PATH}:{LINE}(?: "
    r"\(discriminator \d+\))?[^()]*\)"
)
_WARNING: Final = Pattern(
    rf"(?:.{{0,100}}\bPID: \d+ at|kernel BUG at) {_PATH}:{LINE}(?:!| (?P<function>[\w.]{{1,200}})\+0x)"
)


def _read(line: str, _context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``dump_stack+0x1fd/0x2d9 lib/dump_stack.c:118``."""
    match = _FRAME.match(line)
    # Paths of the kernel are relative; "name /path.c:12" without an offset is any other program's.
    if match and not (match["offset"] or match["inline"] or match["path"][0] != "/"):
        return None
    match = match or _DECODED.match(line) or _WARNING.match(line)
    return [match_span(match, "c", function=match["function"])] if match else None


LINUX_KERNEL: Final = Notation("linux_kernel", (".c:", ".h:", ".S:", ".rs:"), _read)
