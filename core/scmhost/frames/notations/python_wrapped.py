"""Python tracebacks that Rich, or a narrow terminal, has wrapped over several lines."""

from collections.abc import Sequence
from typing import Final

from scmhost.frames.frame import Frame, MatchSpan, Pattern, names_a_file
from scmhost.frames.notation import ContextLines, Notation

_MOST_LINES: Final = 8
_OPENED: Final = Pattern(r"(?:.*\s)?File(?: \"[^\"\n]{0,2000})?$|(?:.*\s)?File \"[^\"\n]{1,2000}\",(?: line)?$")
_WHOLE: Final = Pattern(
    r"(?:.*\s)?File \"(?P<path>[^\"\n]{1,2000})\", line (?P<line>\d{1,9})(?!\d)"
    r"(?:, in(?: (?P<function>[^\s,]{1,300}))?)?"
)
_CLOSED: Final = Pattern(r"(?:[^\"\n]{0,200}\bFile )?\"?(?P<tail>[^\"\n]{0,1000})\",(?: line\b|$)")
_NUMBER: Final = Pattern(r"line \d{1,9}(?:,|$)")
_BELOW: Final = Pattern(r"(?:in )?(?P<function>[\w<>.]{1,300})$")


def _read_traceback(line: str, context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``ist/tasks.py", line 56, in`` below ``File "/srv/pricel``. Words and long paths may be broken."""
    if 'File "' in line and not line.endswith("line"):
        return None
    numbered = int(_NUMBER.match(line) is not None)
    closed = _CLOSED.match(_piece(context, numbered))
    if not closed:
        return None
    text = _joined(line, context)
    match = _WHOLE.match(text) if text else None
    if not text or not match or not names_a_file(match["path"]):
        return None
    below = context.after() if not match["function"] else ""
    named = _BELOW.match(below) if text.endswith(" in") or below.startswith("in ") else None
    function = match["function"] or (named["function"] if named else None)
    frame = Frame(match["path"], int(match["line"]), function=function, language="python")
    start = max(0, (context.before(numbered) if numbered else line).find(closed["tail"]))
    return [MatchSpan(frame, start, start + max(1, len(closed["tail"])), numbered)]


def _piece(context: ContextLines, back: int) -> str:
    """Return a line with the quotes around its path, which look like those of an item in a list of strings."""
    whole, body = context.whole(back).rstrip(), context.before(back)
    start = whole.find(body)
    return whole[start - 1 :] if start > 0 and whole[start - 1] == '"' else body


def _joined(line: str, context: ContextLines) -> str | None:
    """Return the lines of one frame as one line, or None if its beginning is not above."""
    pieces = [_piece(context, 0)]
    if line.endswith("line"):
        pieces.append(context.after())
    for back in range(1, _MOST_LINES + 1):
        if _OPENED.match(pieces[0]):
            break
        above = _piece(context, back)
        if not above:
            return None
        pieces.insert(0, above)
    text = ""
    for piece in pieces:
        # Only blanks and the inside of a long path are broken.
        text += piece if text.count('"') % 2 or not text else f" {piece}"
    return text


WRAPPED: Final = Notation("python_wrapped", ('",', "line "), _read_traceback)


_BOX_FRAME: Final = Pattern(
    r"(?P<path>[^\s:\"]{0,1000}):(?P<line>\d{1,9})(?P<in> in(?: (?P<function>[\w<>.]{1,300}))?)?$"
)
_BOX_ROOT: Final = Pattern(r"/|~|[A-Za-z]:[\\/]|<")
_BOX_BELOW: Final = Pattern(r"(?P<digits>\d{1,8})?(?: ?in)? ?(?P<function>[\w<>.]{1,300})$")


def _read_box(line: str, context: ContextLines) -> Sequence[MatchSpan] | None:
    """Read ``│ ls/load.py:282 in load_all │`` below ``│ /srv/shop/mode │``, and a function on the line below."""
    match = _BOX_FRAME.match(line)
    if not match or not context.prefix.rstrip().endswith(("│", "|")):
        return None
    head = "" if _BOX_ROOT.match(line) else _box_head(context)
    path = head + match["path"]
    if not path.endswith((".py", ".pyx")) or not (head or not match["function"]):
        return None
    below = None if match["function"] else _BOX_BELOW.match(context.after())
    # Only a number at the end of the box goes on below.
    goes_on = below and not match["in"] and _fills_the_box(line, context, 0)
    digits = (below["digits"] or "") if below and goes_on else ""
    function = match["function"] or (below["function"] if below else None)
    frame = Frame(path, int((match["line"] + digits)[:9]), function=function, language="python")
    return [MatchSpan(frame, 0, match.end("line"))]


def _box_head(context: ContextLines) -> str:
    """Return the beginning of a path from the lines above, which it fills up to the box's edge; else nothing."""
    head = ""
    for back in range(1, _MOST_LINES + 1):
        above = context.before(back)
        if not above or " " in above or not _fills_the_box(above, context, back):
            break
        head = above + head
        if _BOX_ROOT.match(head):
            return head
    return ""


def _fills_the_box(text: str, context: ContextLines, back: int) -> bool:
    return context.whole(back).rstrip().endswith((f"{text} │", f"{text} |"))


BOX: Final = Notation("python_wrapped_box", ("│", " |"), _read_box)
