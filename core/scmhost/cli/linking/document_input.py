"""The text to link: lines as they come, or one JSON document that has to be there as a whole."""

import json
import re
from collections.abc import Iterator
from typing import Final

from scmhost.frames import MAX_TEXT, read_text

from .linked_text import LinkedText
from .text_stream import Arrived, Line, read_stream

# A log's line may begin with a bracket too.
_OPENS: Final = re.compile(r"\s*[\[{]\s*(?:$|[\[{\"])")


def read_input(descriptor: int, text: LinkedText) -> Iterator[Arrived]:
    """What comes, for ``text`` to take. A document at its beginning is read, and printed, as a whole."""
    stream = read_stream(descriptor)
    for arrived in stream:
        if arrived.lines:
            yield _without_document(arrived, stream, text)
            break
        yield arrived
    yield from stream


def _without_document(arrived: Arrived, stream: Iterator[Arrived], text: LinkedText) -> Arrived:
    first = arrived.lines[0]
    if not _OPENS.match(first.text):
        return arrived
    if _is_whole(first.text):
        text.take_whole([first], read_text(first.text).frames)
        return arrived._replace(lines=arrived.lines[1:])
    lines, size = list(arrived.lines), _size(arrived.lines)
    for more in stream:
        lines += more.lines
        size += _size(more.lines)
        if size > MAX_TEXT:
            break
    text.take_whole(lines, read_text("".join(line.text + line.ending for line in lines)).frames)
    return Arrived([], idle=True)


def _is_whole(line: str) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _size(lines: list[Line]) -> int:
    return sum(len(line.text) + 1 for line in lines)
