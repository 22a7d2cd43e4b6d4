r"""Physical lines: lines as a program printed them, without colours, and cut where a log wrote ``\n`` for a line end.

The text of a log may differ from what was printed. Notations read the physical lines, and ``PhysicalLine.position``
leads back to the text. ``LineMarks`` finds the few lines of a block that need this or any other work.
What logs, containers, tools and people put before a line is still in them: ``log_prefixes`` finds it.

``json_lines`` and ``xml_lines`` decode escaped texts line by line. Escapes shorten a line: ``\t`` is one character of
the text and two of the document. Each line keeps where something was left out, so that a position in it leads back.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter
from typing import Final, NamedTuple

from .frame import Pattern

# A colour or a movement; then two escapes that are one character; then any other escape.
_JSON_ESCAPE: Final = Pattern(
    r"\\u001[bB]\[[\d;?]{0,20}[A-HJKSTfhlmsu]|\\u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|\\u[\da-fA-F]{4}|\\."
)
# pytest writes a character that XML does not allow as "#x1B".
_XML_ESCAPE: Final = Pattern(
    r"(?:&#(?:27|[xX]1[bB]);|#x1B|\x1b)\[[\d;?]{0,20}[A-HJKSTfhlmsu]|&(?:lt|gt|amp|quot|apos|#\d{1,7}|#[xX][\da-fA-F]{1,6});"
)


class DecodedLine(NamedTuple):
    """A line of an escaped text.

    Attributes:
        offset: where it begins in the escaped text.
        cuts: as in ``PhysicalLine``: a position in the line, and how many characters were left out up to there.
    """

    text: str
    offset: int
    cuts: tuple[tuple[int, int], ...]


def json_value(raw: str) -> str:
    """Return the text of a JSON string without its quotes."""
    import json

    try:
        return str(json.loads(f'"{raw}"', strict=False)) if "\\" in raw else raw
    except ValueError:
        return raw


def json_lines(raw: str) -> Iterator[DecodedLine]:
    """Yield the lines of a JSON string without its quotes."""
    return _decoded_lines(raw, _JSON_ESCAPE, json_value)


def xml_lines(raw: str) -> Iterator[DecodedLine]:
    """Yield the lines of XML's character data on one line. Only the characters' own entities are replaced."""
    # Imported here: the table of all entities is large, and most texts are no XML.
    from html import unescape

    return _decoded_lines(raw, _XML_ESCAPE, unescape)


def _decoded_lines(raw: str, escape: Pattern, decode: Callable[[str], str]) -> Iterator[DecodedLine]:
    parts: list[str] = []
    cuts: list[tuple[int, int]] = []
    begin = end = length = left_out = 0
    for match in escape.finditer(raw):
        written = match[0]
        # Of several characters only a colour has a bracket.
        decoded = "" if "[" in written[2:] else decode(written)
        parts.append(raw[end : match.start()])
        length += match.start() - end
        end = match.end()
        if decoded == "\n":
            yield DecodedLine("".join(parts), begin, tuple(cuts))
            parts, cuts, begin, length, left_out = [], [], end, 0, 0
            continue
        parts.append(decoded)
        length += len(decoded)
        left_out += len(written) - len(decoded)
        cuts.append((length, left_out))
    yield DecodedLine("".join([*parts, raw[end:]]), begin, tuple(cuts))


_START: Final = re.Match[str].start


class LineMarks(NamedTuple):
    """Texts and patterns to search for in a block as a whole, which is much faster than line by line.

    A pattern is fast when it begins with one literal character.

    Attributes:
        texts: texts anywhere in a line.
        patterns: patterns anywhere in a line.
        starts: a pattern that begins with the line feed before the line.
    """

    texts: Sequence[str]
    patterns: Sequence[re.Pattern[str]]
    starts: re.Pattern[str] | None = None

    def lines(self, block: str) -> list[int]:
        """Return the numbers of the lines with any of the marks, from 0, in order."""
        positions: list[int] = []
        for text in self.texts:
            position = block.find(text)
            while position >= 0:
                positions.append(position)
                # The rest of the line has nothing to add.
                end = block.find("\n", position)
                position = block.find(text, end) if end >= 0 else -1
        for pattern in self.patterns:
            positions += map(_START, pattern.finditer(block))
        if self.starts:
            positions += map(_START, self.starts.finditer(f"\n{block}"))
        return _line_numbers(block, sorted(positions))


def _line_numbers(block: str, positions: Sequence[int]) -> list[int]:
    """Return the numbers of the lines of these positions, which are in order."""
    numbers: list[int] = []
    line = counted = 0
    end = -1
    for position in positions:
        if position > end:
            line += block.count("\n", counted, position)
            counted = position
            numbers.append(line)
            end = block.find("\n", position)
            if end < 0:
                break
    return numbers


# Progress bars move the cursor and erase lines, too. Pastes lose the escape character more often than the rest.
# Buildkite puts the time into an application command.
_COLOUR: Final = Pattern(
    r"(?:\x1b|\\u001b|\\x1b|\\033|␛)\[[\d;?]{0,20}[A-HJKSTfhlmsu]|\[(?:\d{1,2};){0,3}\d{1,2}m|\x1b\]8;[^\x1b\x07]{0,500}"
    r"(?:\x1b\\|\x07)|\x1b(?:_bk;t=\d{1,20}\x07|\(B)"
)
# A backslash and an "n" may also belong to a path; it is a line end only if a trace goes on behind it.
_ESCAPED_END: Final = Pattern(
    r"\\n(?:\\{1,2}[tr]|\s{2}|\s?"
    r"(?:[Aa]t|from|File|in|Raised|Called|Re-raised) |#\d|\s?\[\d"
    r"|[^\s\"@]{0,80}@\w|/|[A-Za-z]:\\\\|goroutine |\s*\d+: |Traceback|[Ss]tack)"
    r"|\\n[^\s\"]{1,200}(?::\d{1,9}:in |: line \d)"
)
_ESCAPE: Final = Pattern(r"\\(.)")
_INDENT: Final = Pattern(r"(?:\\{1,4}[tr]|\s)*")
# The quotation in which a log wrote the trace.
_OPENED: Final = Pattern(r".*(?:[:=\[,(]\s?|^\s*)(?<!\\)[\"']")
_CLOSED: Final = Pattern(
    r"(?<!\\)\"(?!, line \d)\s*(?:[,}\])]|$)|'\s*[}\])][\s}\])]*$|(?<!\\)(?<!\\[rn])(?>(?:\\{1,4}[rn])+)$"
)
# "go test -json" and Docker's log files have a printed line in each record.
_PRINTED: Final = Pattern(r'"(?:Output|log)":\s?"([^"\\]*(?:\\.[^"\\]*)*)"')
# A whole log with escaped line ends may be pasted as one line, but no larger one.
_LONGEST: Final = 1_048_576
_MARKS: Final = LineMarks(
    ("\\n", "\x1b", "␛"),
    (re.compile(r"\[(?:\d{1,2}[;m]|(?<=1b\[)|(?<=033\[))"),),
)


class PhysicalLine(NamedTuple):
    """A printed line within a line of text.

    Attributes:
        number: the number of the line of text.
        offset: where it begins in the line of text.
        cuts: where something was left out: the position in the physical line, and how much was left out up to there.
    """

    text: str
    number: int
    offset: int = 0
    cuts: tuple[tuple[int, int], ...] = ()

    def position(self, position: int, *, end: bool = False) -> int:
        """Return the position in the line of text. An end does not include what was left out after it."""
        number = (bisect_left if end else bisect_right)(self.cuts, position, key=itemgetter(0))
        return self.offset + position + (self.cuts[number - 1][1] if number else 0)


def physical_lines(block: str, first: int) -> tuple[list[str], Sequence[PhysicalLine | int]]:
    """Split a block of whole lines into physical lines.

    Args:
        block: whole lines.
        first: the number of its first line.

    Returns:
        The texts, and for each its ``PhysicalLine``, or only the number of its line of text if both are equal.
    """
    lines = block.split("\n")
    marked = _MARKS.lines(block)
    if not marked:
        return lines, range(first, first + len(lines))
    texts: list[str] = []
    origins: list[PhysicalLine | int] = []
    begin = 0
    for at in marked:
        parts = list(split_line(lines[at], first + at))
        texts += [*lines[begin:at], *(part.text for part in parts)]
        origins += [*range(first + begin, first + at), *parts]
        begin = at + 1
    return [*texts, *lines[begin:]], [*origins, *range(first + begin, first + len(lines))]


def split_line(line: str, number: int) -> Iterator[PhysicalLine]:
    """Yield the physical lines of the line of text with this number."""
    printed = _PRINTED.search(line) if line.startswith("{") and len(line) < _LONGEST else None
    # The text of a log within a log has doubled the backslashes, and is split below.
    if printed and "\\\\n" not in printed[1]:
        for part in json_lines(printed[1].removesuffix("\\n")):
            yield PhysicalLine(part.text, number, printed.start(1) + part.offset, part.cuts)
        return
    clean, cuts = _without_colours(line[:_LONGEST])
    if _ESCAPED_END.search(clean):
        yield from _split(clean, number, cuts)
    else:
        yield PhysicalLine(clean, number, 0, cuts)


def _without_colours(line: str) -> tuple[str, tuple[tuple[int, int], ...]]:
    kept: list[str] = []
    cuts: list[tuple[int, int]] = []
    end = total = 0
    for match in _COLOUR.finditer(line):
        kept.append(line[end : match.start()])
        end = match.end()
        total += end - match.start()
        cuts.append((end - total, total))
    if not cuts:
        return line, ()
    return "".join([*kept, line[end:]]), tuple(cuts)


def _split(line: str, number: int, cuts: tuple[tuple[int, int], ...]) -> Iterator[PhysicalLine]:
    ends = [match.span() for match in _ESCAPE.finditer(line) if match[1] == "n"]
    # A log within a log has doubled the backslashes.
    ends = ends or [match.span() for match in re.finditer(r"\\\\n", line)]
    begin = 0
    for end, following in [*ends, (len(line), len(line))]:
        yield _part(line, (begin, end), number, cuts)
        begin = following


def _part(line: str, span: tuple[int, int], number: int, cuts: tuple[tuple[int, int], ...]) -> PhysicalLine:
    begin, end = span
    opened = _OPENED.match(line, begin, end) if begin == 0 else _INDENT.match(line, begin, end)
    begin = opened.end() if opened else begin
    closed = _CLOSED.search(line, begin, end)
    text = line[begin : closed.start() if closed else end]
    # The cuts are positions in the whole line; this part keeps those after its beginning, and counts from there.
    first = bisect_right(cuts, begin, key=itemgetter(0))
    before = cuts[first - 1][1] if first else 0
    last = bisect_right(cuts, end, key=itemgetter(0))
    own = tuple((at - begin, total - before) for at, total in cuts[first:last])
    return PhysicalLine(text, number, begin + before, own)
