"""Finds the frames of JSON documents where they stand in their text."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .frame import Found, Frame
from .structured import read_document


@dataclass(frozen=True, slots=True)
class Document:
    """What a JSON document names as frames. ``with_texts`` says that its texts may have traces, too."""

    frames: list[Found]
    with_texts: bool


def found_in_document(text: str) -> Document | None:
    """The frames of a text that is one JSON document of a form that we know, else None."""
    read = read_document(text) if text.lstrip()[:1] in ("{", "[") else None
    return Document(list(_placed(text, read[0])), read[1]) if read else None


def _placed(text: str, frames: Sequence[Frame]) -> Iterator[Found]:
    """Each frame where its path stands next. One whose path is written otherwise stands where the text begins."""
    cursor = line = line_start = 0
    for frame in frames:
        begin, length = _next(text, frame.path, cursor)
        if begin >= 0:
            line += text.count("\n", line_start, begin)
            line_start = text.rfind("\n", 0, begin) + 1
            cursor = begin + length
            yield Found(frame, line, begin - line_start, cursor - line_start)
        else:
            yield Found(frame, 0, 0, 0)


def _next(text: str, path: str, cursor: int) -> tuple[int, int]:
    spellings = [json.dumps(path, ensure_ascii=ascii_only) for ascii_only in (False, True)]
    found = [(text.find(spelling, cursor), len(spelling) - 2) for spelling in spellings]
    at, length = min((one for one in found if one[0] >= 0), default=(-2, 0))
    return at + 1, length
