r"""Texts that JSON or XML escaped, decoded line by line.

Escapes shorten a line: ``\t`` is one character of the text and two of the document. Each line keeps where something
was left out, so that a position in it leads back to the document.
"""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from .match_spans import Pattern

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
