"""Positions in a document: of a frame by its path as JSON writes it, and of the lines of a text."""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from scmhost.frames.escapes import json_lines, json_value, xml_lines
from scmhost.frames.frame import FrameMatch
from scmhost.frames.physical_lines import PhysicalLine

from .places import Entry

_STRING: Final = re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)"')


class Offsets:
    """Leads from an offset in a text to its line and the position in it, both from 0."""

    def __init__(self, text: str, line: int = 0, column: int = 0) -> None:
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self._line, self._column = line, column

    def place(self, offset: int) -> tuple[int, int]:
        """Return the line and the position in it."""
        at = bisect_left(self._starts, offset + 1) - 1
        return self._line + at, offset - self._starts[at] + (self._column if at == 0 else 0)


def lines_of_json(raw: str, number: int, offset: int) -> Iterator[PhysicalLine]:
    """Yield the lines of a JSON string, which begins at this offset of a line of text."""
    return (PhysicalLine(line.text, number, offset + line.offset, line.cuts) for line in json_lines(raw))


def lines_of_xml(raw: str, number: int, offset: int) -> Iterator[PhysicalLine]:
    """Yield the lines of XML's character data, which begins at this offset of a line of text."""
    for at, part in enumerate(raw.split("\n")):
        for line in xml_lines(part):
            yield PhysicalLine(line.text, number + at, line.offset + (0 if at else offset), line.cuts)


def locate(document: str, entries: Sequence[Entry], offsets: Offsets) -> tuple[list[FrameMatch], list[PhysicalLine]]:
    """Return the frames of a JSON document with their positions, and the lines of its texts.

    One search of the document finds all strings. Equal strings are taken in their order; an entry whose string is
    not found is at the beginning.
    """
    found = _strings(document, {entry.written for entry in entries})
    taken: dict[str, int] = defaultdict(int)
    cursor = 0
    frames: list[FrameMatch] = []
    lines: list[PhysicalLine] = []
    for entry in entries:
        spans = found.get(entry.written, [])
        if entry.shared and taken[entry.written]:
            start, end = spans[taken[entry.written] - 1]
        elif spans:
            at = bisect_left(spans, (cursor, 0), min(taken[entry.written], len(spans) - 1))
            at = at if at < len(spans) else min(taken[entry.written], len(spans) - 1)
            start, end = spans[at]
            taken[entry.written] = at + 1
            cursor = max(cursor, start)
        else:
            start = end = 0
        line, column = offsets.place(start)
        if entry.frame is None:
            lines += lines_of_json(document[start:end], line, column)
        else:
            frames.append(FrameMatch(entry.frame, line, column, column + end - start - _column_length(entry)))
    return frames, lines


def _column_length(entry: Entry) -> int:
    """Return the length of the column in ``path:line:column``, which is no part of the position."""
    frame = entry.frame
    printed = frame and frame.column is not None and entry.written != frame.path
    return len(entry.written) - entry.written.rindex(":") if printed else 0


def _strings(document: str, wanted: set[str]) -> dict[str, list[tuple[int, int]]]:
    """Return the spans of the wanted strings, without their quotes."""
    spans: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for match in _STRING.finditer(document):
        value = json_value(match[1])
        if value in wanted:
            spans[value].append(match.span(1))
    return spans
